#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase softmax_cross_entropy_case{{
    .name = "softmax_cross_entropy",
    .inputs =
        [](const Shape& s, Random& r) {
          Tensor labels({s[0]}, DType::i32, cpu);
          for (std::int64_t i = 0; i < s[0]; ++i)
            labels.data<std::int32_t>()[i] = std::int32_t(r.below(std::uint32_t(s[1])));
          return Tensors{leaf(uniform(s, r, -4, 4)), labels};
        },
    .apply = [](const Tensors& in) { return Tensors{softmax_cross_entropy(in[0], in[1])}; },
    .check = {{1, 1}, {5, 3}, {3, 33}, {1, 129}},
    .bench = {{512, 10}, {256, 1000}},
}};

}  // namespace
}  // namespace engine
