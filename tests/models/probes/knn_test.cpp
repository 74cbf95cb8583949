// Nearest neighbours on points whose neighbours are known.
#include "models/probes/knn.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "models/probes/accuracy.h"
#include "tests/support/gaussians.h"

using namespace models;
using engine::DType;
using engine::Tensor;

namespace {

// Unit vectors in the plane at these angles (degrees), of length `length`.
Tensor at_angles(const std::vector<double>& angles, double length = 1, DType dtype = DType::f64) {
  std::vector<double> x;
  for (double a : angles) {
    x.push_back(length * std::cos(a * 3.14159265358979 / 180));
    x.push_back(length * std::sin(a * 3.14159265358979 / 180));
  }
  return from_vector({std::int64_t(angles.size()), 2}, x, dtype);
}

}  // namespace

TEST_CASE("neighbours are sorted by angle, nearest first; their length does not matter") {
  const Tensor train = at_angles({0, 10, 30, 90, 180}, 3), query = at_angles({12}, 0.01);
  const KnnResult r = classify_by_neighbours(train, {0, 1, 2, 3, 4}, query, 5, {.k = 4});
  CHECK(r.nearest.k == 4);
  CHECK(r.nearest.rows == std::vector<std::int32_t>{1, 0, 2, 3});
  CHECK(r.nearest.cosines[0] == doctest::Approx(std::cos(2 * 3.14159265358979 / 180)).epsilon(1e-12));
  CHECK(r.predicted == std::vector<std::int32_t>{1});
}

TEST_CASE("votes are e^(s/T): a near neighbour outvotes several others only at a low temperature") {
  // one neighbour of class 0 at 5 degrees (s = 0.9962), two of class 1 at 40 (0.7660)
  const Tensor train = at_angles({5, 40, -40}), query = at_angles({0});
  const std::vector<std::int32_t> labels = {0, 1, 1};
  // e^(0.9962/T) > 2 e^(0.7660/T) if T < 0.2302 / ln 2 = 0.3321
  CHECK(classify_by_neighbours(train, labels, query, 2, {.k = 3, .temperature = 0.33}).predicted[0] == 0);
  CHECK(classify_by_neighbours(train, labels, query, 2, {.k = 3, .temperature = 0.34}).predicted[0] == 1);
  CHECK(classify_by_neighbours(train, labels, query, 2, {.k = 3, .temperature = 1e-4}).predicted[0] == 0);
}

TEST_CASE("ties go to the first image and the first class; k is at most the number of images") {
  const Tensor train = at_angles({20, -20, 20, -20}), query = at_angles({20});
  const KnnResult r = classify_by_neighbours(train, {1, 0, 1, 0}, query, 2, {.k = 200});
  CHECK(r.nearest.k == 4);
  CHECK(r.nearest.rows == std::vector<std::int32_t>{0, 2, 1, 3});
  CHECK(r.predicted[0] == 1);
  const KnnResult even = classify_by_neighbours(at_angles({30, -30}), {1, 0}, at_angles({0}), 2);
  CHECK(even.nearest.rows == std::vector<std::int32_t>{0, 1});
  CHECK(even.predicted[0] == 0);
}

TEST_CASE("the best classes have the most votes; those without a vote are not among them") {
  const Tensor train = at_angles({5, 40, -40, 60}), query = at_angles({0});
  const KnnResult r = classify_by_neighbours(train, {2, 0, 0, 5}, query, 7, {.k = 4, .temperature = 0.33});
  CHECK(r.best == std::vector<std::int32_t>{2, 0, 5, -1, -1});
  CHECK(r.best[0] == r.predicted[0]);
  CHECK(accuracy_of_best(r.best, {5}) == 1);
  CHECK(accuracy_of_best(r.best, {1}) == 0);
  CHECK(accuracy_of_best({0, 1, 2, 3, 4, 4, 3, 2, 1, 0}, {4, 6}) == 0.5);
}

TEST_CASE("several blocks of queries and of training images give the same result as one sort") {
  const int n = 33000, queries = 260, k = 7;  // more than a block of each
  const Labelled train = gaussians(n, 3, 3, 1.0, 1, DType::f64),
                 test = gaussians(queries, 3, 3, 1.0, 2, DType::f64);
  const KnnResult r = classify_by_neighbours(train.features, train.labels, test.features, 3, {.k = k});
  const auto x = train.features.to_vector(), y = test.features.to_vector();
  for (int q : {0, 255, 256, 259}) {
    std::vector<std::pair<double, int>> all;
    for (int i = 0; i < n; ++i) {
      double dot = 0, a = 0, b = 0;
      for (int d = 0; d < 3; ++d) {
        const double u = x[std::size_t(i * 3 + d)], v = y[std::size_t(q * 3 + d)];
        dot += u * v, a += u * u, b += v * v;
      }
      all.emplace_back(-dot / std::sqrt(a * b), i);
    }
    std::partial_sort(all.begin(), all.begin() + k, all.end());
    for (int j = 0; j < k; ++j) CHECK(r.nearest.rows[std::size_t(q * k + j)] == all[std::size_t(j)].second);
  }
}

TEST_CASE("nearest neighbours separate Gaussians, bit-identically for 1 and 2 threads") {
  const Labelled train = gaussians(900, 16, 3, 4.0, 3), test = gaussians(300, 16, 3, 4.0, 4);
  KnnResult a, b;
  with_threads(1, [&] { a = classify_by_neighbours(train.features, train.labels, test.features, 3); });
  with_threads(2, [&] { b = classify_by_neighbours(train.features, train.labels, test.features, 3); });
  CHECK(right(a.predicted, test.labels) > 0.9);
  CHECK(a.nearest.rows == b.nearest.rows);
  CHECK(a.nearest.cosines == b.nearest.cosines);
}

TEST_CASE("knn refuses what it cannot use") {
  const Tensor x = at_angles({0, 90});
  CHECK_THROWS_WITH(classify_by_neighbours(x, {0}, x, 2),
                    "knn: features are (2,2), expected (1,D) for as many labels, at least 1");
  CHECK_THROWS_WITH(classify_by_neighbours(x, {0, 2}, x, 2), "knn: label 2, expected 0 .. 1");
  CHECK_THROWS_WITH(classify_by_neighbours(x, {0, 1}, x, 2, {.temperature = 0}),
                    "knn: T = 0, expected above 0");
  CHECK_THROWS_WITH(nearest_neighbours(x, x, 0), "knn: k = 0, expected at least 1");
  CHECK_THROWS_WITH(nearest_neighbours(x, at_angles({0}, 1, DType::f32), 1),
                    "knn: queries are f32 (1,2), expected f64 (M,2)");
  CHECK_THROWS_WITH(nearest_neighbours(x.slice(0, 0), x, 1),
                    "knn: train is (0,2), expected (N,D), N at least 1");
}
