#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

Tensors info_nce_inputs(const Shape& s, Random& r, double tau) {
  return {leaf(uniform(s, r)), uniform(s, r), leaf(full({1}, tau, DType::f64, cpu))};
}

Tensors info_nce_apply(const Tensors& in) {
  return {info_nce(in[0], in[1], in[2], single(), {.weight = 0.4})};
}

// forward 2 N^2 D, backward 4 N^2 D
double info_nce_flops(const Shape& s) { return 6.0 * double(s[0]) * double(s[0]) * double(s[1]); }

// one row has no negative; odd; more than one tile of rows and of columns
const AddCase info_nce_case{{
    .name = "info_nce",
    .inputs = [](const Shape& s, Random& r) { return info_nce_inputs(s, r, 0.2); },
    .apply = info_nce_apply,
    .check = {{1, 3}, {2, 5}, {7, 17}, {66, 2}},
    .bench = {{256, 256}, {4096, 256}},
    .flops = info_nce_flops,
}};

// tau below 1/34: the maximum similarity of a row is found online
const AddCase info_nce_cold_case{{
    .name = "info_nce/cold",
    .inputs = [](const Shape& s, Random& r) { return info_nce_inputs(s, r, 0.025); },
    .apply = info_nce_apply,
    .check = {{1, 3}, {7, 3}, {66, 2}},
    .bench = {{1024, 256}},
    .flops = info_nce_flops,
}};

// The negatives are the keys of a queue; the shape is (rows, width, keys of the queue).
Tensors info_nce_queue_inputs(const Shape& s, Random& r) {
  const Shape rows{s[0], s[1]};
  return {leaf(uniform(rows, r)), uniform(rows, r), leaf(full({1}, 0.2, DType::f64, cpu)),
          l2_normalize(uniform({s[2], s[1]}, r))};
}

const AddCase info_nce_queue_case{{
    .name = "info_nce/queue",
    .inputs = info_nce_queue_inputs,
    .apply =
        [](const Tensors& in) { return Tensors{info_nce(in[0], in[1], in[2], single(), {.queue = in[3]})}; },
    .check = {{1, 3, 1}, {3, 5, 70}, {65, 2, 8}},
    .bench = {{256, 128, 65536}},
    .flops = [](const Shape& s) { return 6.0 * double(s[0]) * double(s[1]) * double(s[2]); },
}};

}  // namespace
}  // namespace engine
