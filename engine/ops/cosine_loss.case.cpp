#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

const AddCase cosine_loss_case{{
    .name = "cosine_loss",
    .inputs =
        [](const Shape& s, Random& r) {
          return Tensors{leaf(uniform(s, r)), uniform(s, r)};
        },
    .apply = [](const Tensors& in) { return Tensors{cosine_loss(in[0], in[1], single(), 0, 1.5)}; },
    .check = {{1, 1}, {1, 5}, {3, 33}, {66, 3}},
    .bench = {{256, 256}, {4096, 256}},
}};

}  // namespace
}  // namespace engine
