#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// The shape is (N,I,O).
const AddCase linear_case{{
    .name = "linear",
    .inputs =
        [](const Shape& s, Random& r) {
          return Tensors{leaf(uniform({s[0], s[1]}, r)), leaf(uniform({s[2], s[1]}, r)),
                         leaf(uniform({s[2]}, r))};
        },
    .apply = [](const Tensors& in) { return Tensors{linear(in[0], in[1], in[2])}; },
    .check = {{2, 1, 1}, {1, 5, 2}, {2, 17, 3}, {2, 3, 65}},
    .bench = {{1024, 512, 512}, {1024, 2048, 2048}},
    .bf16 = true,
    .flops = [](const Shape& s) { return 3. * 2. * double(s[0] * s[1] * s[2]); },
}};

const AddCase no_bias_case{{
    .name = "linear/no bias",
    .inputs =
        [](const Shape& s, Random& r) {
          return Tensors{leaf(uniform({s[0], s[1]}, r)), leaf(uniform({s[2], s[1]}, r))};
        },
    .apply = [](const Tensors& in) { return Tensors{linear(in[0], in[1])}; },
    .check = {{2, 1, 1}, {5, 3, 7}},
    .bench = {{1024, 512, 128}},
    .bf16 = true,
    .flops = [](const Shape& s) { return 3. * 2. * double(s[0] * s[1] * s[2]); },
}};

}  // namespace
}  // namespace engine
