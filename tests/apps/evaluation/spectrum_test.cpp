// Measures of embeddings, on points with known values.
#include "apps/evaluation/spectrum.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/gaussians.h"

using engine::DType;
using engine::Tensor;

namespace {

Tensor rows(const std::vector<std::vector<double>>& x) {
  std::vector<double> all;
  for (const auto& row : x) all.insert(all.end(), row.begin(), row.end());
  return from_vector({std::int64_t(x.size()), std::int64_t(x[0].size())}, all, DType::f64);
}

}  // namespace

TEST_CASE("effective rank: the number of directions of equal variance, less for unequal variances") {
  for (const int k : {1, 2, 5}) {  // +-e_i, i < k, in 8 dimensions
    std::vector<std::vector<double>> x;
    for (int i = 0; i < k; ++i)
      for (const double sign : {1.0, -1.0}) {
        x.emplace_back(8, 3.0);  // and an offset, which is not a direction
        x.back()[std::size_t(i)] += sign;
      }
    CHECK(apps::effective_rank(rows(x)) == doctest::Approx(k).epsilon(1e-9));
  }
  // singular values 3 and 1: exp(-3/4 ln 3/4 - 1/4 ln 1/4)
  CHECK(apps::effective_rank(rows({{3, 0}, {-3, 0}, {0, 1}, {0, -1}})) ==
        doctest::Approx(4 / std::pow(3, 0.75)));
  CHECK(apps::effective_rank(rows({{1, 2}, {1, 2}, {1, 2}})) == 1);
  // more dimensions than rows: uses the other Gram matrix
  CHECK(apps::effective_rank(gaussians(40, 10, 2, 1, 3, DType::f64).features) <= 10);
  CHECK(apps::effective_rank(gaussians(10, 400, 2, 1, 3, DType::f64).features) ==
        doctest::Approx(9).epsilon(0.02));
}

TEST_CASE("deviation, alignment and uniformity") {
  const Tensor square = rows({{1, 0}, {0, 1}, {-1, 0}, {0, -1}});  // evenly on the circle
  CHECK(apps::relative_deviation(square) == doctest::Approx(1));
  CHECK(apps::relative_deviation(rows({{0.6, 0.8}, {0.6, 0.8}})) == doctest::Approx(0));
  CHECK(apps::alignment(square, square) == 0);
  CHECK(apps::alignment(square, rows({{0, 1}, {0, 1}, {-1, 0}, {0, 1}})) == doctest::Approx(6.0 / 4));
  // four pairs at distance^2 2 and two at 4
  CHECK(apps::uniformity(square) == doctest::Approx(std::log((4 * std::exp(-4) + 2 * std::exp(-8)) / 6)));
  CHECK(apps::uniformity(rows({{1, 0}, {1, 0}})) == doctest::Approx(0));
}

TEST_CASE("the principal plane keeps the distances of coplanar points") {
  std::vector<std::vector<double>> x;
  std::vector<std::array<double, 2>> flat = {{0, 0}, {4, 0}, {4, 1}, {-3, 2}, {7, -1}};
  for (const auto& [a, b] : flat) x.push_back({0.6 * a, 5.0, 0.8 * a, b});
  for (const int extra : {0, 6}) {  // fewer and more columns than rows
    for (auto& row : x) row.resize(std::size_t(4 + extra), 1.0);
    const apps::Plane plane = apps::principal_plane(rows(x));
    CHECK(plane.explained[0] > plane.explained[1]);
    CHECK(plane.explained[0] + plane.explained[1] == doctest::Approx(1));
    for (std::size_t i = 0; i < flat.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        CHECK(std::hypot(plane.points[i][0] - plane.points[j][0], plane.points[i][1] - plane.points[j][1]) ==
              doctest::Approx(std::hypot(flat[i][0] - flat[j][0], flat[i][1] - flat[j][1])));
  }
}
