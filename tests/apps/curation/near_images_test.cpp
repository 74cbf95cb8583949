// Near images against a comparison of every pair, and groups of pairs.
#include "apps/curation/near_images.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/files/safetensors.h"
#include "engine/random.h"
#include "tests/support/gaussians.h"
#include "tests/support/scratch.h"

using apps::NearPair;
using engine::Tensor;

namespace {

// n unit vectors in d dimensions, f32. Rows `copies` later are equal, so that there are ties.
Tensor random_units(std::int64_t n, std::int64_t d, std::uint64_t seed, std::int64_t copies = 0) {
  engine::Random random(seed);
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i) {
    std::vector<double> row;
    double square = 0;
    for (std::int64_t j = 0; j < d; ++j) row.push_back(random.normal()), square += row.back() * row.back();
    if (copies > 0 && i >= n - copies)
      for (std::int64_t j = 0; j < d; ++j) values.push_back(values[std::size_t((i - n + copies) * d + j)]);
    else
      for (const double v : row) values.push_back(v / std::sqrt(square));
  }
  return from_vector({n, d}, values, engine::DType::f32);
}

double cosine(const Tensor& a, std::int64_t i, const Tensor& b, std::int64_t j) {
  double sum = 0;
  for (std::int64_t d = 0; d < a.dim(1); ++d)
    sum += double(a.data<float>()[i * a.dim(1) + d]) * double(b.data<float>()[j * a.dim(1) + d]);
  return sum;
}

std::vector<std::pair<int, int>> rows_of_pairs(const std::vector<NearPair>& pairs) {
  std::vector<std::pair<int, int>> rows;
  for (const NearPair& p : pairs) rows.emplace_back(p.a, p.b);
  return rows;
}

}  // namespace

TEST_CASE("near images: pairs, the closest ones, matches and distances equal those of every pair") {
  const Tensor x = random_units(1300, 4, 1, 3);  // tiles have 512 rows
  const Tensor others = random_units(40, 4, 2);
  std::vector<std::pair<int, int>> above;
  std::vector<NearPair> all;
  for (int a = 0; a < 1300; ++a)
    for (int b = a + 1; b < 1300; ++b) {
      const double c = cosine(x, a, x, b);
      all.push_back({a, b, float(std::min(1.0, c))});
      if (c >= 0.995) above.emplace_back(a, b);
    }
  REQUIRE(above.size() > 50);
  CHECK(rows_of_pairs(apps::pairs_above(x, 0.995)) == above);

  const std::vector<NearPair> closest = apps::closest_pairs(x, 20);
  CHECK(closest.size() == 20);
  CHECK(rows_of_pairs({closest.begin(), closest.begin() + 3}) ==
        std::vector<std::pair<int, int>>{{0, 1297}, {1, 1298}, {2, 1299}});  // equal: the first comes first
  std::ranges::sort(all, std::greater(), &NearPair::cosine);
  CHECK(std::abs(closest.back().cosine - all[19].cosine) < 1e-6F);
  CHECK(apps::closest_pairs(random_units(3, 4, 3), 20).size() == 3);

  std::vector<std::pair<int, int>> matched;
  for (int a = 0; a < 1300; ++a) {
    int best = 0;
    for (int b = 1; b < 40; ++b)
      if (cosine(x, a, others, b) > cosine(x, a, others, best)) best = b;
    if (cosine(x, a, others, best) >= 0.95) matched.emplace_back(a, best);
  }
  REQUIRE(matched.size() > 100);
  CHECK(rows_of_pairs(apps::matches_above(x, others, 0.95)) == matched);

  const std::vector<float> distances = apps::neighbour_distances(x, 5);
  for (const int row : {0, 511, 512, 1299}) {
    std::vector<double> cosines;
    for (int b = 0; b < 1300; ++b)
      if (b != row) cosines.push_back(cosine(x, row, x, b));
    std::ranges::nth_element(cosines, cosines.begin() + 4, std::greater());
    CHECK(std::abs(1 - cosines[4] - double(distances[std::size_t(row)])) < 1e-6);
  }
  CHECK(apps::neighbour_distances(random_units(1, 4, 3), 5) == std::vector<float>{0});
  CHECK(apps::neighbour_distances(random_units(3, 4, 3), 9) ==
        apps::neighbour_distances(random_units(3, 4, 3), 2));  // k is at most 2
}

TEST_CASE("near images: the same for any number of threads") {
  const Tensor x = random_units(900, 8, 4, 5);
  std::vector<NearPair> pairs, closest;
  std::vector<float> distances;
  with_threads(1, [&] {
    pairs = apps::pairs_above(x, 0.9), closest = apps::closest_pairs(x, 30);
    distances = apps::neighbour_distances(x, 3);
  });
  with_threads(3, [&] {
    CHECK(apps::pairs_above(x, 0.9) == pairs);
    CHECK(apps::closest_pairs(x, 30) == closest);
    CHECK(apps::neighbour_distances(x, 3) == distances);
  });
}

TEST_CASE("near images: chains of pairs make one group") {
  using Groups = std::vector<std::vector<std::int32_t>>;
  CHECK(apps::connected(8, {{6, 7, 1}, {3, 5, 1}, {1, 5, 1}, {0, 3, 1}}) == Groups{{0, 1, 3, 5}, {6, 7}});
  CHECK(apps::connected(4, {}).empty());
}

TEST_CASE("near images: features that are no direction are refused with their image") {
  const Scratch scratch;
  const auto refused = [&](double value) {
    const std::string names = "a.png\nb.png\n", file = scratch.path("f.safetensors");
    Tensor bytes({std::int64_t(names.size())}, engine::DType::u8, engine::cpu);
    std::copy(names.begin(), names.end(), bytes.data<std::uint8_t>());
    engine::write_safetensors(
        file,
        {{{"features", from_vector({2, 2}, {1, 2, value, 0}, engine::DType::f32)}, {"names", bytes}}, {}});
    return message_of<engine::DataError>(
        [&] { apps::unit_features(apps::EmbeddingFile(file), engine::cpu); });
  };
  CHECK(refused(1) == "");
  CHECK(refused(0).ends_with(
      "f.safetensors: the features of b.png have the length 0, expected a finite one above 0"));
  CHECK(refused(std::nan("")).find("the features of b.png have the length") != std::string::npos);
}
