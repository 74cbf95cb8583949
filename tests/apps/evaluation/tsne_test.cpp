// The map of the features: the gradient is that of the divergence, separate groups stay separate, and the
// same input gives the same bytes.
#include "apps/evaluation/tsne.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/gaussians.h"

using apps::PlanePoints;
using engine::DType;

namespace {

double distance(const PlanePoints& y, std::size_t i, std::size_t j) {
  return std::hypot(y[i][0] - y[j][0], y[i][1] - y[j][1]);
}

// How often the nearest other point on the plane has the same label.
double agreement(const PlanePoints& y, const std::vector<std::int32_t>& labels) {
  double same = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    std::size_t best = i == 0 ? 1 : 0;
    for (std::size_t j = 0; j < y.size(); ++j)
      if (j != i && distance(y, i, j) < distance(y, i, best)) best = j;
    same += labels[i] == labels[best];
  }
  return same / double(y.size());
}

}  // namespace

TEST_CASE("tsne: the affinities of each row have the wanted entropy") {
  // all distances are equal: so are the affinities
  const auto equal = apps::affinities(from_vector({3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1}, DType::f64), 2);
  for (std::size_t i = 0; i < 9; ++i) CHECK(equal[i] == doctest::Approx(i % 4 == 0 ? 0 : 1.0 / 6));

  const auto p = apps::affinities(gaussians(60, 5, 3, 4, 1, DType::f64).features, 10);
  double sum = 0;
  for (std::size_t i = 0; i < 60; ++i)
    for (std::size_t j = 0; j < 60; ++j) {
      CHECK(p[i * 60 + j] == p[j * 60 + i]);
      sum += p[i * 60 + j];
    }
  CHECK(sum == doctest::Approx(1));
  // Two far pairs of groups of 4 points at a perplexity of 3: each point sees only its own group.
  const auto far =
      apps::affinities(from_vector({8, 1}, {0, 1e-3, 2e-3, 3e-3, 9, 9.001, 9.002, 9.003}, DType::f64), 2.9);
  CHECK(far[4] < 1e-12);
  CHECK(far[1] > 0.02);
}

TEST_CASE("tsne: the gradient of the divergence, against finite differences") {
  const auto p = apps::affinities(gaussians(30, 4, 2, 2, 3, DType::f64).features, 8);
  engine::Random random(5);
  PlanePoints y(30), gradient, unused;
  for (auto& point : y) point = {random.normal(), random.normal()};
  CHECK(apps::divergence(p, y, gradient) > 0);
  for (const std::size_t i : {0, 7, 29})
    for (const std::size_t k : {0, 1}) {
      PlanePoints up = y, down = y;
      up[i][k] += 1e-5, down[i][k] -= 1e-5;
      const double slope = (apps::divergence(p, up, unused) - apps::divergence(p, down, unused)) / 2e-5;
      CHECK(gradient[i][k] == doctest::Approx(slope).epsilon(1e-5));
    }
}

TEST_CASE("tsne: separate groups stay separate, and the map is reproducible") {
  const Labelled groups = gaussians(150, 12, 5, 8, 2);
  const apps::TsneOptions o{.iterations = 400};
  const PlanePoints y = apps::tsne(groups.features, o);
  CHECK(agreement(y, groups.labels) == 1);
  CHECK(apps::tsne(groups.features, o) == y);
  PlanePoints gradient;
  const auto p = apps::affinities(groups.features, 30);
  PlanePoints start(150);
  for (std::size_t i = 0; i < 150; ++i) start[i] = {1e-4 * double(i), 0};
  CHECK(apps::divergence(p, y, gradient) < 0.5 * apps::divergence(p, start, gradient));
}

TEST_CASE("tsne: few and equal points") {
  for (const int n : {1, 2, 3, 4, 5}) {
    const PlanePoints y = apps::tsne(gaussians(n, 3, 1, 0, 1).features, {.iterations = 50});
    CHECK(y.size() == std::size_t(n));
    for (const auto& point : y) CHECK((std::isfinite(point[0]) && std::isfinite(point[1])));
  }
  for (const auto& point : apps::tsne(engine::full({20, 3}, 2, DType::f32, engine::cpu), {.iterations = 300}))
    CHECK((std::isfinite(point[0]) && std::isfinite(point[1])));
}
