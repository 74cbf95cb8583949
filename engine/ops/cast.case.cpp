#include "engine/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// Rounding is not differentiable: the reference is rounding by the host's own conversions, and the gradient
// is checked where no rounding happens (tests/cast_test.cpp checks every pair of types).
Tensors rounded(const Tensors& in) {
  std::vector<double> narrow = in[0].to_vector();
  for (double& v : narrow) v = static_cast<float>(v);
  return {from_vector(in[0].shape(), narrow, DType::f32)};
}

const AddCase cast_case{{
    .name = "cast",
    .inputs = [](const Shape& s, Random& r) { return Tensors{uniform(s, r)}; },
    .apply = [](const Tensors& in) { return Tensors{cast(in[0], DType::f32)}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .reference = rounded,
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
