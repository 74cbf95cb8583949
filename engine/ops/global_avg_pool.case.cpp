#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase global_avg_pool_case{{
    .name = "global_avg_pool",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
    .apply = [](const Tensors& in) { return Tensors{global_avg_pool(in[0])}; },
    .check = {{1, 1, 1, 1}, {3, 2, 5, 7}, {1, 1, 1, 257}, {1, 9, 9, 1}},
    .bench = {{256, 4, 4, 512}, {256, 7, 7, 2048}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
