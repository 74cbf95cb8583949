#include "engine/check/op_case.h"

namespace engine {
namespace {

constexpr double kValue = -0.75;  // exact in every type

const AddCase fill_case{{
    .name = "fill",
    .inputs = [](const Shape& s, Random& r) { return Tensors{uniform(s, r)}; },  // for shape and dtype
    .apply =
        [](const Tensors& in) { return Tensors{full(in[0].shape(), kValue, in[0].dtype(), in[0].device())}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .reference =
        [](const Tensors& in) {
          const std::vector<double> values(std::size_t(in[0].numel()), kValue);
          return Tensors{from_vector(in[0].shape(), values, DType::f64)};
        },
    .reference_tolerance = 0,
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
