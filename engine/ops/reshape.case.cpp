#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase reshape_case{{
    .name = "reshape",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
    .apply =
        [](const Tensors& in) {
          return Tensors{reshape(in[0], {in[0].numel(), 1})};
        },
    .check = {{1}, {3, 5}, {2, 3, 1, 4}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
