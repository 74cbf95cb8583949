#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"
#include "engine/ops/negatives_row.case.h"

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

// Other negatives, against the formulas of their papers with the whole matrix.
// The third input, if there is one, has the weights of the positives.
Tensors matrix_form(const Tensors& in, const Negatives& n) {
  const std::int64_t rows = in[0].dim(0), d = in[0].dim(1);
  const double *h = in[0].data<double>(), tau = in[1].item(), count = double(rows) - 2;
  const auto dot = [=](std::int64_t i, std::int64_t j) {
    double sum = 0;
    for (std::int64_t k = 0; k < d; ++k) sum += h[i * d + k] * h[j * d + k];
    return sum;
  };
  double loss = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t p = (i + rows / 2) % rows;
    const auto exponential = [=](std::int64_t j, double power) {
      return std::exp(power * dot(i, j) / std::sqrt(dot(i, i) * dot(j, j)) / tau);
    };
    double sum = 0, weights = 0;
    for (std::int64_t j = 0; j < rows; ++j)
      if (j != i && j != p) {
        sum += exponential(j, 1 + n.hardness);
        weights += exponential(j, n.hardness);
      }
    const double weight = in.size() > 2 ? in[2].data<double>()[i % (rows / 2)] : 1;
    loss += negatives_row_loss(n, tau, exponential(p, 1), sum, weights, count, weight);
  }
  return {full({1}, loss / double(rows), DType::f64, cpu)};
}

// The two views of an image differ by `noise`; 0: they are independent.
Tensors pair_inputs(const Shape& s, Random& r, double tau, double noise) {
  Tensors in = nt_xent_inputs(s, r, tau);
  double* h = in[0].data<double>();
  const std::int64_t half = s.numel() / 2;
  for (std::int64_t k = 0; k < half && noise > 0; ++k) h[half + k] = h[k] + noise * h[half + k];
  return in;
}

OpCase negatives_case(const char* name, const Negatives& n, double tau, double noise = 0) {
  return {
      .name = name,
      .inputs = [=](const Shape& s, Random& r) { return pair_inputs(s, r, tau, noise); },
      .apply = [=](const Tensors& in) { return Tensors{nt_xent(in[0], in[1], single(), n)}; },
      .check = {{4, 5}, {6, 3}, {10, 17}, {66, 2}},
      .bench = {{1024, 128}},
      .reference = [=](const Tensors& in) { return matrix_form(in, n); },
      .flops = nt_xent_flops,
  };
}

const AddCase decoupled_case{negatives_case("nt_xent/decoupled", {.decoupled = true}, 0.2)};
const AddCase weighted_case{{
    .name = "nt_xent/weighted positives",
    .inputs =
        [](const Shape& s, Random& r) {
          Tensors in = nt_xent_inputs(s, r, 0.2);
          in.push_back(uniform({s[0] / 2}, r, -1, 2));
          return in;
        },
    .apply =
        [](const Tensors& in) {
          return Tensors{nt_xent(in[0], in[1], single(), {.decoupled = true}, 0, in[2])};
        },
    .check = {{4, 5}, {10, 17}, {66, 2}},
    .bench = {{1024, 128}},
    .reference = [](const Tensors& in) { return matrix_form(in, {.decoupled = true}); },
    .flops = nt_xent_flops,
}};
const AddCase debiased_case{negatives_case("nt_xent/debiased", {.debias = 0.1}, 0.5)};
// so many negatives are of the same class that the sum is at its lower bound
const AddCase clamped_case{negatives_case("nt_xent/debiased bound", {.debias = 0.3}, 0.4, 0.1)};
const AddCase hard_case{negatives_case("nt_xent/hard", {.debias = 0.1, .hardness = 1}, 0.5)};
// the sharp exponential needs the maximum of a row, the flat one does not
const AddCase hard_cold_case{negatives_case("nt_xent/hard cold", {.hardness = 0.5}, 0.04)};
const AddCase as_many_case{negatives_case("nt_xent/as many", {.as_many = 256}, 0.2)};

}  // namespace
}  // namespace engine
