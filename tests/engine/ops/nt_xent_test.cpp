// NT-Xent in f32 against the plain matrix form in f64, for temperatures and pairs that are difficult in f32;
// and its memory use.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/ops.h"
#include "engine/random.h"
#include "engine/tape.h"
#include "tests/support/negatives_row.h"

using namespace engine;

namespace {

struct Exact {
  double loss = 0, d_tau = 0;
  std::vector<double> d_h;
};

// The whole similarity matrix, row by row, in f64. sigma: of DCLW's weights of the positives; 0: they are 1.
Exact matrix_form(const std::vector<double>& h, std::size_t rows, std::size_t width, double tau,
                  const Negatives& kind = {}, double sigma = 0) {
  std::vector<double> z(h.size()), norm(rows), dz(h.size(), 0.0), s(rows), g(rows);
  const auto at = [&](const std::vector<double>& a, std::size_t i) { return a.data() + i * width; };
  const auto dot = [&](const double* a, const double* b) {
    double sum = 0;
    for (std::size_t d = 0; d < width; ++d) sum += a[d] * b[d];
    return sum;
  };
  for (std::size_t i = 0; i < rows; ++i) {
    norm[i] = std::sqrt(dot(at(h, i), at(h, i)));
    for (std::size_t d = 0; d < width; ++d) z[i * width + d] = h[i * width + d] / norm[i];
  }
  std::vector<double> weights(rows, 1);
  double mean = 0;
  for (std::size_t i = 0; i < rows && sigma > 0; ++i) {
    weights[i] = std::exp(dot(at(z, i), at(z, (i + rows / 2) % rows)) / sigma);
    mean += weights[i] / double(rows);
  }
  for (std::size_t i = 0; i < rows && sigma > 0; ++i) weights[i] = 2 - weights[i] / mean;
  Exact e;
  const double n = double(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t p = (i + rows / 2) % rows;
    for (std::size_t j = 0; j < rows; ++j) s[j] = dot(at(z, i), at(z, j));
    std::vector<double> negatives;
    for (std::size_t j = 0; j < rows; ++j)
      if (j != i && j != p) negatives.push_back(s[j]);
    const NegativesRow row = negatives_row(negatives, s[p], tau, kind, weights[i]);
    e.loss += row.loss / n;
    for (std::size_t j = 0, k = 0; j < rows; ++j) {
      g[j] = (j == i ? 0 : j == p ? row.of_positive : row.of_negatives[k++]) / tau;
      e.d_tau -= g[j] * s[j] / tau / n;
    }
    e.d_tau -= row.direct / (tau * tau) / n;
    for (std::size_t j = 0; j < rows; ++j)
      for (std::size_t d = 0; d < width; ++d) {
        dz[i * width + d] += g[j] * z[j * width + d] / n;
        dz[j * width + d] += g[j] * z[i * width + d] / n;
      }
  }
  e.d_h.resize(h.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const double along = dot(at(z, i), at(dz, i));
    for (std::size_t d = 0; d < width; ++d)
      e.d_h[i * width + d] = (dz[i * width + d] - along * z[i * width + d]) / norm[i];
  }
  return e;
}

// Rows i and i + pairs are the same direction up to `noise`; 1: independent.
std::vector<double> pairs_of(int pairs, int width, double noise, std::uint64_t seed) {
  Random random(seed);
  std::vector<double> h;
  for (int k = 0; k < pairs * width; ++k) h.push_back(float(random.normal()));
  for (int k = 0; k < pairs * width; ++k)
    h.push_back(float(noise < 1 ? h[std::size_t(k)] * 1.25 + noise * random.normal() : random.normal()));
  return h;
}

}  // namespace

TEST_CASE("nt_xent in f32: loss within 1e-6 max(L, 1/tau), gradient within 1e-5 of the matrix form in f64") {
  const Threads before = cpu_threads();
  const int pairs = 70, width = 65;
  const double tiny = 1e-20;  // a debiased sum at its bound may be smaller than f32's smallest numbers
  for (const double noise : {1.0, 0.1, 1e-3}) {
    const std::vector<double> h = pairs_of(pairs, width, noise, 3);
    for (const double tau : {0.01, 0.05, 0.1, 0.5, 1.0})
      for (const NegativesKind& kind : negatives_kinds()) {
        INFO("noise ", noise, ", tau ", tau, ", ", kind.name);
        const Exact exact = matrix_form(h, 2 * pairs, width, double(float(tau)), kind.negatives, kind.sigma);
#ifdef DYAD_SIMT_ONLY
        for (const Threads threads : {Threads::gpu}) {
#else
        for (const Threads threads : {Threads::host, Threads::gpu}) {
#endif
          cpu_threads() = threads;
          const Tensor x = leaf(from_vector({2 * pairs, width}, h, DType::f32)),
                       t = leaf(full({1}, tau, DType::f32, cpu));
          const Tensor weights = kind.sigma > 0 ? positive_weights(x, kind.sigma, single()) : Tensor();
          const Tensor loss = nt_xent(x, t, single(), kind.negatives, 0, weights);
          backward(loss);
          CHECK(std::abs(loss.item() - exact.loss) <= 1e-6 * std::max(exact.loss, 1 / tau));
          const auto got = gradient(x).to_vector();
          double difference = 0, size = 0;
          for (std::size_t k = 0; k < got.size(); ++k) {
            difference += (got[k] - exact.d_h[k]) * (got[k] - exact.d_h[k]);
            size += exact.d_h[k] * exact.d_h[k];
          }
          // at its bound a debiased row has only the pull of its nearly parallel partner, most of which
          // cancels
          const double cancelled = kind.negatives.debias > 0 ? 1e-6 * exact.loss / tau : 0;
          CHECK(std::sqrt(difference) <= 1e-5 * std::sqrt(size) + cancelled + tiny);
          CHECK(std::abs(gradient(t).item() - exact.d_tau) <=
                1e-5 * std::abs(exact.d_tau) + 1e-6 * exact.loss / tau + tiny);
        }
        cpu_threads() = before;
      }
  }
}

#ifndef DYAD_SIMT_ONLY  // sanitizer builds do not count memory
TEST_CASE("nt_xent needs memory linear in N, from 512 to 16,384 pairs") {
  const int width = 32;
  const Negatives hard{.debias = 0.1, .hardness = 1};  // of all kinds it needs the most
  double per_row = 0;
  for (const int pairs : {512, 2048, 16384}) {
    const Tensor h = leaf(from_vector({2 * pairs, width}, pairs_of(pairs, width, 1, 5), DType::f32));
    const Tensor tau = full({1}, 0.2, DType::f32, cpu);
    reset_peak_memory(cpu);
    const std::size_t before = memory_use(cpu).now;
    const Tensor loss = nt_xent(h, tau, single(), pairs == 16384 ? Negatives{} : hard);
    backward(loss);
    CHECK(std::isfinite(loss.item()));
    const double bytes = double(memory_use(cpu).peak - before) / (2 * pairs);
    INFO(pairs, " pairs: ", bytes, " bytes a row");
    if (per_row == 0) per_row = bytes;
    CHECK(bytes <= 1.1 * per_row);  // a matrix would need 4,096 bytes a row at 512 pairs, 131,072 at 16,384
    CHECK(bytes <= 2048);
  }
}
#endif

TEST_CASE("nt_xent: negatives that contradict each other are refused") {
  const Tensor h = from_vector({4, 2}, {1, 0, 0, 1, 1, 1, 1, -1}, DType::f32),
               tau = full({1}, 0.2, DType::f32, cpu);
  const auto loss = [&](const Negatives& n) { return nt_xent(h, tau, single(), n).item(); };
  CHECK(loss({}) == nt_xent(h, tau, single()).item());
  CHECK_THROWS_WITH(loss({.debias = 0.1, .decoupled = true}),
                    "nt_xent: decoupled, expected debias and hardness 0");
  CHECK_THROWS_WITH(loss({.debias = 1}), "nt_xent: debias is 1, expected 0 to less than 1");
  CHECK_THROWS_WITH(loss({.hardness = -1}), "nt_xent: hardness is -1, expected 0 to 100");
  CHECK_THROWS_WITH(nt_xent(h.slice(0, 2), tau, single(), {.decoupled = true}),
                    "nt_xent: one pair has no negatives, expected at least 2 pairs");
}

TEST_CASE("nt_xent: weights of the positives are refused unless decoupled, and in another number") {
  const Tensor h = from_vector({4, 2}, {1, 0, 0, 1, 1, 1, 1, -1}, DType::f32),
               tau = full({1}, 0.2, DType::f32, cpu), two = full({2}, 1, DType::f32, cpu);
  CHECK(nt_xent(h, tau, single(), {.decoupled = true}, 0, two).item() ==
        nt_xent(h, tau, single(), {.decoupled = true}).item());
  const char* expected = "nt_xent: expected positive_weights only with decoupled, f32 (2) on cpu";
  CHECK_THROWS_WITH(nt_xent(h, tau, single(), Negatives{}, 0, two), expected);
  CHECK_THROWS_WITH(nt_xent(h, tau, single(), {.decoupled = true}, 0, tau), expected);
  CHECK_THROWS_WITH(positive_weights(h, 0.01, single()),
                    "positive_weights: sigma is 0.01, expected at least 0.05");
}
