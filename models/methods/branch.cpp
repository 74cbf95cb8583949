#include "models/methods/branch.h"

namespace models {

Projection::Projection(const Scope& s, int in, const ProjectionConfig& c) {
  engine::require(c.layers == 2 || c.layers == 3, "projection: ", c.layers, " layers, expected 2 or 3");
  const int hidden = c.hidden > 0 ? c.hidden : in;
  for (int i = 0; i < c.layers; ++i) {
    const int from = i == 0 ? in : hidden, to = i + 1 == c.layers ? c.out : hidden;
    linears_.emplace_back(s / ("linear" + std::to_string(i + 1)), from, to, false);  // the norm has the bias
    norms_.emplace_back(s / ("bn" + std::to_string(i + 1)), to);
  }
}

Tensor Projection::operator()(const Tensor& features, const Pass& p) const {
  // The head is small and the loss needs precision: bf16 features are cast to the type of the parameters.
  Tensor x = engine::cast(features, linears_[0].weight.dtype());
  for (std::size_t i = 0; i < linears_.size(); ++i)
    x = i + 1 < linears_.size() ? norms_[i].relu(linears_[i](x), p) : norms_[i](linears_[i](x), p);
  return x;
}

}  // namespace models
