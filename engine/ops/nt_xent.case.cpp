#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

Tensors nt_xent_inputs(const Shape& s, Random& r, double tau) {
  return {leaf(uniform(s, r)), leaf(full({1}, tau, DType::f64, cpu))};
}

Tensors nt_xent_apply(const Tensors& in) { return {nt_xent(in[0], in[1], single())}; }

// forward 2 M^2 D, backward 4 M^2 D
double nt_xent_flops(const Shape& s) { return 6.0 * double(s[0]) * double(s[0]) * double(s[1]); }

// one pair; odd; more than one tile of rows and of columns
const AddCase nt_xent_case{{
    .name = "nt_xent",
    .inputs = [](const Shape& s, Random& r) { return nt_xent_inputs(s, r, 0.2); },
    .apply = nt_xent_apply,
    .check = {{2, 1}, {2, 5}, {6, 3}, {10, 17}, {66, 2}},
    .bench = {{512, 128}, {1024, 128}, {8192, 128}},
    .flops = nt_xent_flops,
}};

// tau below 1/34: the maximum similarity of a row is found online
const AddCase nt_xent_cold_case{{
    .name = "nt_xent/cold",
    .inputs = [](const Shape& s, Random& r) { return nt_xent_inputs(s, r, 0.025); },
    .apply = nt_xent_apply,
    .check = {{2, 3}, {6, 3}, {66, 2}},
    .bench = {{1024, 128}},
    .flops = nt_xent_flops,
}};

}  // namespace
}  // namespace engine
