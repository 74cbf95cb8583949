#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase add_relu_case{{
    .name = "add_relu",
    .inputs =
        [](const Shape& s, Random& r) {  // |a + b| >= 0.3 - 0.2: away from the kink
          return Tensors{leaf(away_from(0, s, r, 0.3)), leaf(uniform(s, r, -0.2, 0.2))};
        },
    .apply = [](const Tensors& in) { return Tensors{add_relu(in[0], in[1])}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
