#include "models/methods/branch.h"

namespace models {

Projection::Projection(const Scope& s, int in, const ProjectionConfig& c) : layers_(c.layers), width_(in) {
  engine::require(1 <= c.layers && c.layers <= 4, "projection: ", c.layers, " layers, expected 1 to 4");
  engine::require(c.kept <= c.layers && c.kept != 0, "projection: ", c.kept, " of ", c.layers,
                  " layers are kept");
  const int hidden = c.hidden > 0 ? c.hidden : in, kept = c.kept < 0 ? c.layers : c.kept;
  for (int i = 0; i < kept; ++i) {
    const int from = i == 0 ? in : hidden, to = i + 1 == c.layers ? c.out : hidden;
    const bool last = i + 1 == c.layers, normed = c.norm != HeadNorm::none;
    linears_.emplace_back(s / ("linear" + std::to_string(i + 1)), from, to, !normed);  // a norm has the bias
    if (normed && !(last && c.norm == HeadNorm::hidden))
      norms_.emplace_back(s / ("bn" + std::to_string(i + 1)), to, !(last && c.norm == HeadNorm::plain));
    width_ = to;
  }
}

Tensor Projection::operator()(const Tensor& features, const Pass& p) const {
  // The head is small and the loss needs precision: bf16 features are cast to the type of the parameters.
  Tensor x = engine::cast(features, linears_[0].weight.dtype());
  for (std::size_t i = 0; i < linears_.size(); ++i) {
    const bool last = i + 1 == std::size_t(layers_);
    x = linears_[i](x);
    if (i < norms_.size())
      x = last ? norms_[i](x, p) : norms_[i].relu(x, p);
    else if (!last)
      x = engine::relu(x);
  }
  return x;
}

}  // namespace models
