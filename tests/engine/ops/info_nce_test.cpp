// InfoNCE and the cosine loss in f32 against plain loops in f64, for temperatures and rows that are difficult
// in f32; ranks; and memory use.
#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "engine/ops.h"
#include "engine/random.h"
#include "engine/tape.h"
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

// The mean over rows of log1p(sum_j e^((s_ij - s_ip) / tau)), where j are the other keys, or those of the
// queue.
Exactly info_nce_rows(const Values& q_rows, const Values& key_rows, const Values& queue, std::size_t width,
                      double tau) {
  const Values q = unit_rows(q_rows, width), keys = unit_rows(key_rows, width);
  const Values& negatives = queue.empty() ? keys : queue;
  const std::size_t rows = q.size() / width;
  Exactly e;
  e.d_q.resize(q.size());
  const auto difference = [&](std::size_t i, std::size_t j) {  // s_ij - s_ip, without cancellation
    double sum = 0;
    for (std::size_t d = 0; d < width; ++d)
      sum += q[i * width + d] * (negatives[j * width + d] - keys[i * width + d]);
    return sum;
  };
  for (std::size_t i = 0; i < rows; ++i) {
    double others = 0;
    for (std::size_t j = 0; j < negatives.size() / width; ++j)
      if (!queue.empty() || j != i) others += std::exp(difference(i, j) / tau);
    e.loss += std::log1p(others) / double(rows);
    Values dz(width, 0.0);
    for (std::size_t j = 0; j < negatives.size() / width; ++j) {
      if (queue.empty() && j == i) continue;
      const double p = std::exp(difference(i, j) / tau) / (1 + others) / double(rows);
      e.d_tau -= p * difference(i, j) / tau / tau;
      for (std::size_t d = 0; d < width; ++d)
        dz[d] += p / tau * (negatives[j * width + d] - keys[i * width + d]);
    }
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

double relative_distance(const Values& a, const Values& b) {
  double square = 0, size = 0;
  for (std::size_t k = 0; k < a.size(); ++k) square += (a[k] - b[k]) * (a[k] - b[k]), size += b[k] * b[k];
  return std::sqrt(square / size);
}

}  // namespace

TEST_CASE("info_nce in f32: loss within 1e-6 max(L, 1/tau), gradient within 1e-5 of plain loops in f64") {
  const std::int64_t rows = 70, width = 65, capacity = 131;
  const Values q = random_rows(rows * width, 3), stored = unit_rows(random_rows(capacity * width, 4), width);
  for (const bool queued : {false, true})
    for (const double noise : {1.0, 0.1, 1e-3}) {
      const Values keys = near(q, noise, 5);
      for (const double tau : {0.01, 0.05, 0.2, 1.0}) {
        INFO("queue ", queued, ", noise ", noise, ", tau ", tau);
        const Tensor queue = queued ? from_vector({capacity, width}, stored, DType::f32) : Tensor();
        const Exactly exact =
            info_nce_rows(q, keys, queued ? queue.to_vector() : Values(), width, double(float(tau)));
        const Tensor x = leaf(from_vector({rows, width}, q, DType::f32)),
                     t = leaf(full({1}, tau, DType::f32, cpu));
        const Tensor loss =
            info_nce(x, from_vector({rows, width}, keys, DType::f32), t, single(), {.queue = queue});
        backward(loss);
        CHECK(std::abs(loss.item() - exact.loss) <= 1e-6 * std::max(exact.loss, 1 / tau));
        if (exact.loss > 1e-30) CHECK(relative_distance(gradient(x).to_vector(), exact.d_q) <= 1e-5);
        CHECK(std::abs(gradient(t).item() - exact.d_tau) <=
              1e-5 * std::abs(exact.d_tau) + 1e-6 * exact.loss / tau);
      }
    }
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
