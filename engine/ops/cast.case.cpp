#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// Casts to all three types. Rounding has no derivative, so the card has a reference instead: the host's
// conversions. tests/engine/ops/cast_test.cpp tests the gradients. Values are multiples of 2^-12, exact in
// f32 and rounded in bf16.
Tensors cast_inputs(const Shape& s, Random& r) {
  Tensor x = uniform(s, r, -4096, 4096);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    double& v = x.data<double>()[i];
    v = double(std::int64_t(v)) / 4096;
  }
  return {x};
}

Tensors cast_apply(const Tensors& in) {
  return {cast(in[0], DType::f32), cast(in[0], DType::f64), cast(in[0], DType::bf16)};
}

Tensors cast_reference(const Tensors& in) {
  const std::vector<double> x = in[0].to_vector();
  std::vector<double> single, half;
  for (double v : x) {
    single.push_back(static_cast<float>(v));
    half.push_back(static_cast<double>(bf16(v)));
  }
  const Shape& s = in[0].shape();
  return {from_vector(s, single, DType::f64), in[0], from_vector(s, half, DType::f64)};
}

const AddCase cast_case{{
    .name = "cast",
    .inputs = cast_inputs,
    .apply = cast_apply,
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .reference = cast_reference,
    .reference_tolerance = 0,
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
