#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase relu_case{{
    .name = "relu",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(away_from(0, s, r))}; },
    .apply = [](const Tensors& in) { return Tensors{relu(in[0])}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
