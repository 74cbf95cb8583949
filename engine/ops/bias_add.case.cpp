#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// |x| >= 0.3 and |bias| <= 0.2, so that x + bias stays away from the kink. The bias of bf16 activations is
// f32.
Tensors bias_inputs(const Shape& s, Random& r) {
  return Tensors{leaf(away_from(0, s, r, 0.3)), leaf(uniform({s[s.rank() - 1]}, r, -0.2, 0.2))};
}

const AddCase bias_add_case{{
    .name = "bias_add",
    .inputs = bias_inputs,
    .apply =
        [](const Tensors& in) { return Tensors{bias_add(in[0], cast(in[1], accumulator(in[0].dtype())))}; },
    .check = {{1, 1}, {3, 5}, {2, 3, 2, 9}, {1, 65}, {3, 8}, {33, 16}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

const AddCase bias_relu_case{{
    .name = "bias_relu",
    .inputs = bias_inputs,
    .apply =
        [](const Tensors& in) { return Tensors{bias_relu(in[0], cast(in[1], accumulator(in[0].dtype())))}; },
    .check = {{1, 1}, {3, 5}, {2, 3, 2, 9}, {1, 65}, {3, 8}, {33, 16}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
