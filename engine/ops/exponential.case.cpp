#include <algorithm>
#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase exponential_case{{
    .name = "exponential",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r, -4, 1))}; },
    .apply = [](const Tensors& in) { return Tensors{exponential(in[0])}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .reference =
        [](const Tensors& in) {
          std::vector<double> y = in[0].to_vector();
          for (double& v : y) v = std::exp(v);
          return Tensors{from_vector(in[0].shape(), y, DType::f64)};
        },
}};

Tensors clamped(const Tensors& in) {
  const Tensor x = in[0].clone();
  clamp_values(x, -0.5, 0.25);
  return {x};
}

const AddCase clamp_case{{
    .name = "clamp_values",
    .inputs = [](const Shape& s, Random& r) { return Tensors{uniform(s, r)}; },
    .apply = clamped,
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .reference =
        [](const Tensors& in) {
          std::vector<double> y = in[0].to_vector();
          for (double& v : y) v = std::clamp(v, -0.5, 0.25);
          return Tensors{from_vector(in[0].shape(), y, DType::f64)};
        },
}};

}  // namespace
}  // namespace engine
