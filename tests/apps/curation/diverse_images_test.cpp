// Subsets and clusters of directions in the plane, worked out by hand.
#include "apps/curation/diverse_images.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/gaussians.h"

using engine::Tensor;
using Rows = std::vector<std::int32_t>;

namespace {

constexpr double kDegree = 3.14159265358979 / 180;

Tensor directions(const std::vector<double>& degrees) {
  std::vector<double> x;
  for (const double angle : degrees)
    x.push_back(std::cos(angle * kDegree)), x.push_back(std::sin(angle * kDegree));
  return from_vector({std::int64_t(degrees.size()), 2}, x, engine::DType::f32);
}

}  // namespace

TEST_CASE("diverse images: k-center begins in the middle and goes on to the farthest") {
  //                           0   1   2   3   4
  const Tensor x = directions({0, 10, 20, 40, 90});  // the mean lies at 30 degrees: 2 and 3 are nearest
  const apps::Subset three = apps::k_center(x, {0, 1, 2, 3, 4}, 3);
  CHECK(three.rows == Rows{3, 4, 0});
  CHECK(double(three.radius) == doctest::Approx(1 - std::cos(20 * kDegree)).epsilon(1e-5));  // of image 2
  const apps::Subset all = apps::k_center(x, {0, 1, 2, 3, 4}, 9);
  CHECK(all.rows.size() == 5);
  CHECK(all.radius < 1e-6F);
  CHECK(apps::k_center(x, {0, 4}, 1).rows.size() == 1);
  CHECK(apps::k_center(x, {1, 2}, 2).rows.size() == 2);
}

TEST_CASE("diverse images: of equal images all others come before a second one") {
  const apps::Subset s = apps::k_center(directions({0, 0, 0, 50}), {0, 1, 2, 3}, 4);
  CHECK(s.rows == Rows{0, 3, 1, 2});
}

TEST_CASE("diverse images: k-means finds separate groups; each gives its middle first") {
  //                           0   1   2    3    4   5    6
  const Tensor x = directions({0, 10, 20, 120, 130, 150, 240});
  const Rows candidates = {0, 1, 2, 3, 4, 5, 6};
  const Rows clusters = apps::k_means(x, candidates, 3);
  CHECK(clusters[0] == clusters[1]);
  CHECK(clusters[1] == clusters[2]);
  CHECK(clusters[3] == clusters[4]);
  CHECK(clusters[4] == clusters[5]);
  CHECK(clusters[0] != clusters[3]);
  CHECK(clusters[6] != clusters[3]);
  CHECK(clusters[6] != clusters[0]);
  apps::Subset s = apps::from_clusters(x, candidates, clusters, 3);
  std::ranges::sort(s.rows);
  CHECK(s.rows == Rows{1, 4, 6});
  CHECK(apps::from_clusters(x, candidates, clusters, 99).rows.size() == 7);
  CHECK(apps::k_means(x, candidates, 50).size() == 7);  // no more clusters than images
}

TEST_CASE("diverse images: only candidates are chosen; the same for any number of threads") {
  const Labelled data = gaussians(600, 6, 3, 2, 5);
  std::vector<double> values = data.features.to_vector();
  for (std::size_t i = 0; i < values.size(); i += 6) {
    double square = 0;
    for (std::size_t d = 0; d < 6; ++d) square += values[i + d] * values[i + d];
    for (std::size_t d = 0; d < 6; ++d) values[i + d] /= std::sqrt(square);
  }
  const Tensor x = from_vector({600, 6}, values, engine::DType::f32);
  Rows odd;
  for (std::int32_t i = 1; i < 600; i += 2) odd.push_back(i);
  Rows centers, clusters;
  with_threads(1, [&] { centers = apps::k_center(x, odd, 40).rows, clusters = apps::k_means(x, odd, 7); });
  for (const std::int32_t row : centers) CHECK(row % 2 == 1);
  with_threads(3, [&] {
    CHECK(apps::k_center(x, odd, 40).rows == centers);
    CHECK(apps::k_means(x, odd, 7) == clusters);
  });
}
