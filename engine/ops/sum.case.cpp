#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

Tensors sum_inputs(const Shape& s, Random& r) { return {leaf(uniform(s, r))}; }

const AddCase sum_case{{
    .name = "sum",
    .inputs = sum_inputs,
    .apply = [](const Tensors& in) { return Tensors{sum(in[0])}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

const AddCase mean_case{{
    .name = "mean",
    .inputs = sum_inputs,
    .apply = [](const Tensors& in) { return Tensors{mean(in[0])}; },
    .check = {{1}, {3, 5}, {257}},
    .bench = {{256, 32, 32, 64}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
