#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase l2_normalize_case{{
    .name = "l2_normalize",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(away_from(0, s, r))}; },
    .apply = [](const Tensors& in) { return Tensors{l2_normalize(in[0])}; },
    .check = {{1, 1}, {5, 3}, {3, 33}, {2, 129}},
    .bench = {{1024, 128}, {8192, 128}},
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
