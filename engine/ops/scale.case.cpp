#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase scale_case{{
    .name = "scale",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
    .apply = [](const Tensors& in) { return Tensors{scale(in[0], -1.75)}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
