// InfoNCE and the cosine loss in f32 against plain loops in f64, for temperatures and rows that are difficult
// in f32; ranks; and memory use.
#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "engine/ops.h"
#include "engine/random.h"
#include "engine/tape.h"
#include "tests/support/negatives_row.h"
#include "tests/support/ranks.h"

using namespace engine;

namespace {

using Values = std::vector<double>;

struct Exactly {
  double loss = 0, d_tau = 0;
  Values d_q;
};

Values unit_rows(Values x, std::size_t width) {
  for (std::size_t i = 0; i < x.size(); i += width) {
    double square = 0;
    for (std::size_t d = 0; d < width; ++d) square += x[i + d] * x[i + d];
    for (std::size_t d = 0; d < width; ++d) x[i + d] /= std::sqrt(square);
  }
  return x;
}

// The mean over rows; the negatives are the other keys, or those of the queue.
Exactly info_nce_rows(const Values& q_rows, const Values& key_rows, const Values& queue, std::size_t width,
                      double tau, const Negatives& kind = {}) {
  const Values q = unit_rows(q_rows, width), keys = unit_rows(key_rows, width);
  const Values& others = queue.empty() ? keys : queue;
  const std::size_t rows = q.size() / width;
  Exactly e;
  e.d_q.resize(q.size());
  const auto dot = [&](std::size_t i, const Values& k, std::size_t j) {
    double sum = 0;
    for (std::size_t d = 0; d < width; ++d) sum += q[i * width + d] * k[j * width + d];
    return sum;
  };
  for (std::size_t i = 0; i < rows; ++i) {
    Values s;
    std::vector<std::size_t> at;
    for (std::size_t j = 0; j < others.size() / width; ++j)
      if (!queue.empty() || j != i) s.push_back(dot(i, others, j)), at.push_back(j);
    const double positive = dot(i, keys, i);
    const NegativesRow row = negatives_row(s, positive, tau, kind);
    e.loss += row.loss / double(rows);
    double by_a = row.direct + row.of_positive * positive;  // the gradient of 1 / tau
    Values dz(width, 0.0);
    const auto add = [&](double g, const Values& k, std::size_t j) {
      for (std::size_t d = 0; d < width; ++d) dz[d] += g / tau / double(rows) * k[j * width + d];
    };
    add(row.of_positive, keys, i);
    for (std::size_t k = 0; k < s.size(); ++k) {
      by_a += row.of_negatives[k] * s[k];
      add(row.of_negatives[k], others, at[k]);
    }
    e.d_tau -= by_a / tau / tau / double(rows);
    double along = 0, square = 0;
    for (std::size_t d = 0; d < width; ++d) {
      along += dz[d] * q[i * width + d];
      square += q_rows[i * width + d] * q_rows[i * width + d];
    }
    for (std::size_t d = 0; d < width; ++d)
      e.d_q[i * width + d] = (dz[d] - along * q[i * width + d]) / std::sqrt(square);
  }
  return e;
}

Values random_rows(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Values x;
  for (std::size_t k = 0; k < count; ++k) x.push_back(double(float(random.normal())));
  return x;
}

// The same directions up to `noise`; 1: independent.
Values near(const Values& x, double noise, std::uint64_t seed) {
  Values y = random_rows(x.size(), seed);
  for (std::size_t k = 0; noise < 1 && k < x.size(); ++k) y[k] = double(float(1.25 * x[k] + noise * y[k]));
  return y;
}

double norm(const Values& x) {
  double square = 0;
  for (const double each : x) square += each * each;
  return std::sqrt(square);
}
double distance(Values a, const Values& b) {
  for (std::size_t k = 0; k < a.size(); ++k) a[k] -= b[k];
  return norm(a);
}
double relative_distance(const Values& a, const Values& b) { return distance(a, b) / norm(b); }

}  // namespace

TEST_CASE("info_nce in f32: loss within 1e-6 max(L, 1/tau), gradient within 1e-5 of plain loops in f64") {
  const std::int64_t rows = 70, width = 65, capacity = 131;
  const Values q = random_rows(rows * width, 3), stored = unit_rows(random_rows(capacity * width, 4), width);
  const double tiny = 1e-20;  // a debiased sum at its bound may be smaller than f32's smallest numbers
#ifdef DYAD_SIMT_ONLY
  const Values taus = {0.01, 0.2};  // under sanitizers each takes seconds
#else
  const Values taus = {0.01, 0.05, 0.2, 1.0};
#endif
  for (const bool queued : {false, true})
    for (const double noise : {1.0, 0.1, 1e-3}) {
      const Values keys = near(q, noise, 5);
      const Tensor queue = queued ? from_vector({capacity, width}, stored, DType::f32) : Tensor();
      for (const double tau : taus)
        for (const NegativesKind& kind : negatives_kinds()) {
          if (kind.sigma > 0) continue;  // of NT-Xent only
          INFO("queue ", queued, ", noise ", noise, ", tau ", tau, ", ", kind.name);
          const Exactly exact = info_nce_rows(q, keys, queued ? queue.to_vector() : Values(), width,
                                              double(float(tau)), kind.negatives);
          const Tensor x = leaf(from_vector({rows, width}, q, DType::f32)),
                       t = leaf(full({1}, tau, DType::f32, cpu));
          const Tensor loss = info_nce(x, from_vector({rows, width}, keys, DType::f32), t, single(),
                                       {.queue = queue, .negatives = kind.negatives});
          backward(loss);
          const double size = std::max(std::abs(exact.loss), 1 / tau);
          CHECK(std::abs(loss.item() - exact.loss) <= 1e-6 * size);
          // at its bound a debiased row has only the pull of its nearly parallel key, most of which cancels
          const double cancelled = kind.negatives.debias > 0 ? 1e-6 * exact.loss / tau : 0;
          CHECK(distance(gradient(x).to_vector(), exact.d_q) <= 1e-5 * norm(exact.d_q) + cancelled + tiny);
          CHECK(std::abs(gradient(t).item() - exact.d_tau) <=
                1e-5 * std::abs(exact.d_tau) +
                    1e-6 * std::max(std::abs(exact.loss), double(kind.negatives.decoupled)) / tau + tiny);
        }
    }
}

TEST_CASE("info_nce: negatives that contradict each other are refused") {
  const Tensor q = zeros({1, 4}, DType::f32, cpu), tau = full({1}, 0.5, DType::f32, cpu);
  const auto loss = [&](const Tensor& rows, const Negatives& n) {
    return info_nce(rows, rows, tau, single(), {.negatives = n}).item();
  };
  CHECK_THROWS_WITH(loss(q, {.decoupled = true}),
                    "info_nce: one key has no negatives, expected at least 2 rows, or a queue");
  CHECK_THROWS_WITH(loss(zeros({2, 4}, DType::f32, cpu), {.debias = 0.1, .decoupled = true}),
                    "info_nce: decoupled, expected debias and hardness 0");
}

TEST_CASE("cosine_loss in f32: value and gradient of nearly aligned rows keep their digits") {
  const std::int64_t rows = 33, width = 70;
  const Values p = random_rows(rows * width, 3);
  for (const double noise : {1.0, 0.1, 1e-3}) {
    INFO("noise ", noise);
    const Values z = near(p, noise, 5);
    const Tensor exact = leaf(from_vector({rows, width}, p, DType::f64)),
                 x = leaf(from_vector({rows, width}, p, DType::f32));
    const Tensor right = cosine_loss(exact, from_vector({rows, width}, z, DType::f64), single()),
                 loss = cosine_loss(x, from_vector({rows, width}, z, DType::f32), single());
    backward(right), backward(loss);
    CHECK(loss.item() == doctest::Approx(right.item()).epsilon(noise == 1e-3 ? 2e-4 : 1e-6));
    CHECK(relative_distance(gradient(x).to_vector(), gradient(exact).to_vector()) <=
          (noise == 1e-3 ? 2e-4 : 1e-5));
    const Values pn = unit_rows(p, width), zn = unit_rows(z, width);
    double cosines = 0;
    for (std::size_t k = 0; k < p.size(); ++k) cosines += pn[k] * zn[k];
    CHECK(right.item() == doctest::Approx(2 - 2 * cosines / double(rows)).epsilon(1e-8));
  }
}

TEST_CASE(
    "info_nce over ranks with uneven parts is that of one rank; the keys of all ranks are its negatives") {
  const std::int64_t pairs = 7, width = 5;
  const Tensor q = from_vector({pairs, width}, random_rows(pairs * width, 3), DType::f64),
               keys = from_vector({pairs, width}, random_rows(pairs * width, 4), DType::f64),
               tau = full({1}, 0.2, DType::f64, cpu);
  const Tensor one = leaf(q);
  const Tensor expected = info_nce(one, keys, tau, single());
  backward(expected);
  const Values gradients = gradient(one).to_vector();
  for (const int ranks : {2, 3})
    on_ranks(ranks, [&](Communicator& c) {
      const Shard own = shard(pairs, c.rank(), c.size());
      const Tensor x = leaf(q.slice(own.first, own.count));
      const Tensor loss = info_nce(x, keys.slice(own.first, own.count), tau, c, {.pairs = pairs});
      backward(loss);
      CHECK(loss.item() == doctest::Approx(expected.item()).epsilon(1e-12));
      const Values mine = gradient(x).to_vector();
      for (std::size_t k = 0; k < mine.size(); ++k)
        CHECK(mine[k] ==
              doctest::Approx(gradients[std::size_t(own.first * width) + k]).epsilon(1e-10).scale(1e-3));
    });
}

#ifndef DYAD_SIMT_ONLY  // sanitizer builds do not count memory
TEST_CASE("info_nce needs memory linear in N and in the keys of the queue") {
  const std::int64_t width = 32;
  const auto bytes = [&](std::int64_t rows, std::int64_t capacity) {
    const Tensor x = leaf(from_vector({rows, width}, random_rows(std::size_t(rows * width), 3), DType::f32)),
                 keys = from_vector({rows, width}, random_rows(std::size_t(rows * width), 4), DType::f32),
                 tau = full({1}, 0.2, DType::f32, cpu);
    const Tensor queue = capacity > 0 ? full({capacity, width}, 0.1, DType::f32, cpu) : Tensor();
    reset_peak_memory(cpu);
    const std::size_t before = memory_use(cpu).now;
    const Tensor loss = info_nce(x, keys, tau, single(), {.queue = queue});
    backward(loss);
    CHECK(std::isfinite(loss.item()));
    return double(memory_use(cpu).peak - before);
  };
  const double few = bytes(512, 0) / 512;
  MESSAGE(few, " bytes a row");
  for (const std::int64_t rows : {2048, 16384}) CHECK(bytes(rows, 0) / double(rows) <= 1.1 * few);
  CHECK(few <= 2048);  // a matrix would need 65,536 bytes a row at 16,384 rows
  const double queued = bytes(256, 65536), per_key = queued / 65536;
  MESSAGE(per_key, " bytes a key of a queue of 65,536");
  CHECK(queued <=
        1.1 * (256 * few + 65536 * width * 4));  // the queue transposed; a matrix would need 1,024 a key
}
#endif
