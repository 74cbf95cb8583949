#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase add_case{{
    .name = "add",
    .inputs =
        [](const Shape& s, Random& r) {
          return Tensors{leaf(uniform(s, r)), leaf(uniform(s, r))};
        },
    .apply = [](const Tensors& in) { return Tensors{add(in[0], in[1])}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
