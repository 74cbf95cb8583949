#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

constexpr double sigma_of_dclw = 0.5;

Tensors weights_of_the_paper(const Tensors& in) {
  const std::int64_t pairs = in[0].dim(0) / 2, d = in[0].dim(1);
  const double* h = in[0].data<double>();
  const Tensor weights({pairs}, DType::f64, cpu);
  double mean = 0;
  for (std::int64_t i = 0; i < pairs; ++i) {
    double xx = 0, yy = 0, xy = 0;
    for (std::int64_t k = 0; k < d; ++k) {
      const double x = h[i * d + k], y = h[(i + pairs) * d + k];
      xx += x * x, yy += y * y, xy += x * y;
    }
    weights.data<double>()[i] = std::exp(xy / std::sqrt(xx * yy) / sigma_of_dclw);
    mean += weights.data<double>()[i] / double(pairs);
  }
  for (std::int64_t i = 0; i < pairs; ++i) weights.data<double>()[i] = 2 - weights.data<double>()[i] / mean;
  return {weights};
}

const AddCase positive_weights_case{{
    .name = "positive_weights",
    .inputs = [](const Shape& s, Random& r) { return Tensors{uniform(s, r)}; },
    .apply = [](const Tensors& in) { return Tensors{positive_weights(in[0], sigma_of_dclw, single())}; },
    .check = {{2, 1}, {6, 3}, {66, 35}},
    .bench = {{1024, 128}},
    .reference = weights_of_the_paper,
}};

}  // namespace
}  // namespace engine
