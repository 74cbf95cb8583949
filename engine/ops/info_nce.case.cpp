#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"
#include "engine/ops/negatives_row.case.h"

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

// Other negatives, against the formulas of their papers with the whole matrix.
Tensors rows_and_keys_form(const Tensors& in, const Negatives& n) {
  const bool queued = in.size() > 3;
  const Tensor& others = queued ? in[3] : in[1];
  const std::int64_t rows = in[0].dim(0), d = in[0].dim(1), keys = others.dim(0);
  const double tau = in[2].item(), count = double(queued ? keys : keys - 1);
  const auto exponential = [=](const Tensor& q, std::int64_t i, const Tensor& k, std::int64_t j,
                               double power) {
    const double *x = q.data<double>() + i * d, *y = k.data<double>() + j * d;
    double xy = 0, xx = 0, yy = 0;
    for (std::int64_t c = 0; c < d; ++c) xy += x[c] * y[c], xx += x[c] * x[c], yy += y[c] * y[c];
    return std::exp(power * xy / std::sqrt(xx * yy) / tau);
  };
  double loss = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    double sum = 0, weights = 0;
    for (std::int64_t j = 0; j < keys; ++j)
      if (queued || j != i) {
        sum += exponential(in[0], i, others, j, 1 + n.hardness);
        weights += exponential(in[0], i, others, j, n.hardness);
      }
    loss += negatives_row_loss(n, tau, exponential(in[0], i, in[1], i, 1), sum, weights, count);
  }
  return {full({1}, loss / double(rows), DType::f64, cpu)};
}

// With a queue the shape is (rows, width, keys of the queue), else (rows, width).
OpCase keys_case(const char* name, const Negatives& n, double tau, bool queued) {
  return {
      .name = name,
      .inputs =
          [=](const Shape& s, Random& r) {
            Tensors in = queued ? info_nce_queue_inputs(s, r) : info_nce_inputs(s, r, tau);
            in[2] = leaf(full({1}, tau, DType::f64, cpu));
            return in;
          },
      .apply =
          [=](const Tensors& in) {
            const Tensor queue = queued ? in[3] : Tensor();
            return Tensors{info_nce(in[0], in[1], in[2], single(), {.queue = queue, .negatives = n})};
          },
      .check =
          queued ? std::vector<Shape>{{3, 5, 70}, {65, 2, 8}} : std::vector<Shape>{{2, 5}, {7, 17}, {66, 2}},
      .bench = {queued ? Shape{256, 128, 65536} : Shape{1024, 128}},
      .reference = [=](const Tensors& in) { return rows_and_keys_form(in, n); },
      .flops = [=](const Shape& s) { return 6.0 * double(s[0]) * double(s[1]) * double(s[queued ? 2 : 0]); },
  };
}

const AddCase keys_decoupled_case{keys_case("info_nce/decoupled", {.decoupled = true}, 0.2, false)};
const AddCase keys_debiased_case{keys_case("info_nce/debiased", {.debias = 0.1}, 0.5, false)};
// so many negatives are of the same class that the sum is at its lower bound
const AddCase keys_clamped_case{keys_case("info_nce/debiased bound", {.debias = 0.9}, 0.4, true)};
const AddCase keys_hard_case{keys_case("info_nce/hard", {.debias = 0.1, .hardness = 1}, 0.5, true)};
// the sharp exponential needs the maximum of a row, the flat one does not
const AddCase keys_hard_cold_case{keys_case("info_nce/hard cold", {.hardness = 0.5}, 0.04, false)};
const AddCase keys_as_many_case{keys_case("info_nce/as many", {.as_many = 256}, 0.2, true)};

}  // namespace
}  // namespace engine
