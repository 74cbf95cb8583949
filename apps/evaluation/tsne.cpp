#include "apps/evaluation/tsne.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "apps/evaluation/spectrum.h"
#include "engine/error.h"
#include "engine/random.h"

namespace apps {
namespace {

using Row = std::vector<double>;

constexpr double kExaggeration = 12;
constexpr int kExaggerated = 250;  // the first iterations, in which groups form
constexpr double kSpread = 1e-4;   // of the first points

// (N,N), squared
Row distances(const engine::Tensor& x) {
  const Row values = x.to_vector();
  const auto n = std::size_t(x.dim(0)), d = std::size_t(x.dim(1));
  Row result(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double *a = &values[i * d], *b = &values[j * d];
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::size_t k = 0; k < d; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
      result[i * n + j] = result[j * n + i] = sum;
    }
  return result;
}

// row: squared distances to the others -> probabilities with the wanted entropy. The distance to itself, at
// `self`, does not count. Returns the precision that it found, from which the next row's search begins.
double gaussian(double* row, std::size_t n, std::size_t self, double entropy, double precision) {
  double nearest = std::numeric_limits<double>::infinity(), low = 0, high = nearest;
  for (std::size_t j = 0; j < n; ++j)
    if (j != self) nearest = std::min(nearest, row[j]);
  Row weight(n);
  double sum = 0;
  for (int step = 0; step < 60; ++step) {
    double mean = 0;
    sum = 0;
    for (std::size_t j = 0; j < n; ++j) {
      weight[j] = j == self ? 0 : std::exp(-precision * (row[j] - nearest));
      sum += weight[j];
      mean += weight[j] * (row[j] - nearest);
    }
    const double excess = std::log(sum) + precision * mean / sum - entropy;
    if (std::abs(excess) < 1e-6) break;
    (excess > 0 ? low : high) = precision;
    precision = std::isinf(high) ? 2 * precision : (low + high) / 2;
  }
  for (std::size_t j = 0; j < n; ++j) row[j] = weight[j] / sum;
  return std::clamp(precision, 1e-12, 1e12);
}

// The parts of the gradient of each point: attraction sum_j p w d and repulsion sum_j w^2 d, where d is the
// difference to point j and w = 1 / (1 + |d|^2). The sum of all w is `total`.
struct Forces {
  Row x, y;  // the points
  Row attraction_x, attraction_y, repulsion_x, repulsion_y;
  double total = 0;

  explicit Forces(std::size_t n)
      : x(n), y(n), attraction_x(n), attraction_y(n), repulsion_x(n), repulsion_y(n) {}

  void compute(const Row& p) {
    const std::size_t n = x.size();
    total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double *xs = x.data(), *ys = y.data(), *of_i = &p[i * n], xi = xs[i], yi = ys[i];
      double sum = 0, ax = 0, ay = 0, rx = 0, ry = 0;
#pragma omp simd reduction(+ : sum, ax, ay, rx, ry)
      for (std::size_t j = 0; j < n; ++j) {
        const double dx = xi - xs[j], dy = yi - ys[j], w = 1 / (1 + dx * dx + dy * dy);
        sum += w;
        ax += of_i[j] * w * dx;
        ay += of_i[j] * w * dy;
        rx += w * w * dx;
        ry += w * w * dy;
      }
      attraction_x[i] = ax, attraction_y[i] = ay, repulsion_x[i] = rx, repulsion_y[i] = ry;
      total += sum - 1;  // without itself
    }
  }
};

// Gradient descent of one coordinate with momentum and a step for each point (Jacobs 1988).
struct Descent {
  Row velocity, gain;
  explicit Descent(std::size_t n) : velocity(n, 0), gain(n, 1) {}

  void step(Row& at, const Row& attraction, const Row& repulsion, double total, double exaggeration,
            double rate, double momentum) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      const double gradient = 4 * (exaggeration * attraction[i] - repulsion[i] / total);
      const bool same = gradient * velocity[i] < 0;  // still downhill
      gain[i] = std::max(0.01, same ? gain[i] + 0.2 : gain[i] * 0.8);
      velocity[i] = momentum * velocity[i] - rate * gain[i] * gradient;
      at[i] += velocity[i];
    }
  }
};

}  // namespace

std::vector<double> affinities(const engine::Tensor& x, double perplexity) {
  engine::require(x.shape().rank() == 2 && x.dim(0) > 1, "affinities: x is ", x.shape(),
                  ", expected (N,D) with two rows or more");
  Row p = distances(x);
  const auto n = std::size_t(x.dim(0));
  double precision = 1;
  for (std::size_t i = 0; i < n; ++i) precision = gaussian(&p[i * n], n, i, std::log(perplexity), precision);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      p[i * n + j] = p[j * n + i] = (p[i * n + j] + p[j * n + i]) / (2 * double(n));
  return p;
}

double divergence(const std::vector<double>& p, const PlanePoints& points, PlanePoints& gradient) {
  const std::size_t n = points.size();
  Forces f(n);
  for (std::size_t i = 0; i < n; ++i) f.x[i] = points[i][0], f.y[i] = points[i][1];
  f.compute(p);
  gradient.resize(n);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    gradient[i] = {4 * (f.attraction_x[i] - f.repulsion_x[i] / f.total),
                   4 * (f.attraction_y[i] - f.repulsion_y[i] / f.total)};
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j || !(p[i * n + j] > 0)) continue;
      const double dx = f.x[i] - f.x[j], dy = f.y[i] - f.y[j], q = 1 / (1 + dx * dx + dy * dy) / f.total;
      sum += p[i * n + j] * std::log(p[i * n + j] / q);
    }
  }
  return sum;
}

PlanePoints tsne(const engine::Tensor& x, const TsneOptions& o) {
  const auto n = std::size_t(x.dim(0));
  PlanePoints points = principal_plane(x).points;
  if (n < 4) return points;
  const Row p = affinities(x, std::min(o.perplexity, double(n - 1) / 3));

  double square = 0;
  for (const auto& point : points) square += point[0] * point[0] / double(n);
  const double scale = square > 0 ? kSpread / std::sqrt(square) : 0;
  engine::Random random(o.seed);
  Forces f(n);
  for (std::size_t i = 0; i < n; ++i) {  // equal points must not stay on one another
    f.x[i] = scale * points[i][0] + 0.01 * kSpread * random.normal();
    f.y[i] = scale * points[i][1] + 0.01 * kSpread * random.normal();
  }
  const double rate = std::max(50.0, double(n) / kExaggeration / 4);
  Descent along_x(n), along_y(n);
  for (int iteration = 0; iteration < o.iterations; ++iteration) {
    const bool early = iteration < kExaggerated;
    const double exaggeration = early ? kExaggeration : 1, momentum = early ? 0.5 : 0.8;
    f.compute(p);
    along_x.step(f.x, f.attraction_x, f.repulsion_x, f.total, exaggeration, rate, momentum);
    along_y.step(f.y, f.attraction_y, f.repulsion_y, f.total, exaggeration, rate, momentum);
  }
  for (std::size_t i = 0; i < n; ++i) points[i] = {f.x[i], f.y[i]};
  return points;
}

}  // namespace apps
