// The exact search against a sort of all cosines in f64: the same rows, equal ones by their index.
#include "apps/embedding/exact_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/files/safetensors.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {

std::vector<float> normal_values(std::int64_t count, std::uint32_t seed) {
  std::vector<float> values;
  values.reserve(std::size_t(count));
  std::uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  const auto uniform = [&state] {  // of splitmix64
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double((z ^ z >> 31) >> 11) + 0.5) * 0x1p-53;
  };
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(float(std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform())));
  return values;
}

struct Table {
  std::int64_t rows, width;
  std::vector<float> values;
  const float* row(std::int64_t i) const { return values.data() + i * width; }
};

Tensor tensor_of(const Table& t) {
  const Tensor all({t.rows, t.width}, DType::f32, cpu);
  std::copy(t.values.begin(), t.values.end(), all.data<float>());
  return all;
}

void write_table(const std::string& path, const Table& t) {
  std::string names;
  for (std::int64_t i = 0; i < t.rows; ++i) names += std::to_string(i) + "\n";
  const Tensor text({std::int64_t(names.size())}, DType::u8, cpu);
  std::copy(names.begin(), names.end(), text.data<std::uint8_t>());
  write_safetensors(path, {{{"features", tensor_of(t)}, {"names", text}}, {}});
}

std::vector<std::int64_t> sorted_by_cosine(const Table& t, const float* query, std::size_t k) {
  std::vector<double> cosines;
  for (std::int64_t i = 0; i < t.rows; ++i) {
    double dot = 0, square = 0, own = 0;
    for (std::int64_t d = 0; d < t.width; ++d) {
      const double x = t.row(i)[d], y = query[d];
      dot += x * y, square += x * x, own += y * y;
    }
    cosines.push_back(dot / std::sqrt(square * own));
  }
  std::vector<std::int64_t> order(cosines.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) {
    return cosines[std::size_t(a)] > cosines[std::size_t(b)];
  });
  order.resize(k);
  return order;
}

std::vector<std::int64_t> rows_of(const apps::FoundRows& found) {
  std::vector<std::int64_t> rows;
  for (const apps::FoundRow& f : found) rows.push_back(f.row);
  return rows;
}

}  // namespace

TEST_CASE("exact search: the neighbours of a sort in f64, of 10,000 x 512") {
  const Scratch scratch;
  Table t{10'000, 512, normal_values(10'000 * 512, 1)};
  // equal rows, also in other tiles; and rows that are multiples of others, which have the same cosine
  const auto copy = [&](std::int64_t from, std::int64_t to, float factor) {
    for (std::int64_t d = 0; d < t.width; ++d)
      t.values[std::size_t(to * t.width + d)] = factor * t.row(from)[d];
  };
  for (const std::int64_t to : {9'999L, 3L, 5'000L, 4'097L}) copy(77, to, 1);
  for (const std::int64_t to : {8'000L, 12L}) copy(78, to, 4);
  write_table(scratch.path("f.safetensors"), t);
  const apps::EmbeddingFile file(scratch.path("f.safetensors"));

  Table queries{20, 512, normal_values(20 * 512, 2)};
  std::copy_n(t.row(77), t.width, queries.values.begin());
  std::copy_n(t.row(78), t.width, queries.values.begin() + t.width);
  for (const std::int64_t tile : {0L, 999L}) {
    const auto found = apps::nearest_rows(file, tensor_of(queries), 10, cpu, tile);
    REQUIRE(found.size() == 20);
    for (std::int64_t q = 0; q < queries.rows; ++q) {
      CAPTURE(q);
      CHECK(rows_of(found[std::size_t(q)]) == sorted_by_cosine(t, queries.row(q), 10));
    }
    const std::vector<std::int64_t> equal = rows_of(found[0]);
    CHECK(std::vector<std::int64_t>(equal.begin(), equal.begin() + 5) ==
          std::vector<std::int64_t>{3, 77, 4'097, 5'000, 9'999});
    CHECK(found[0][0].cosine == doctest::Approx(1));
    CHECK(found[0][4].cosine == found[0][0].cosine);
    CHECK(rows_of(found[1])[0] == 12);
  }
}

TEST_CASE("exact search: rows that are all equal come by their index; k beyond the rows; width 1") {
  const Scratch scratch;
  const Table t{700, 3, std::vector<float>(2'100, 0.7f)};
  write_table(scratch.path("f.safetensors"), t);
  const apps::EmbeddingFile file(scratch.path("f.safetensors"));
  const auto found = apps::nearest_rows(file, from_vector({1, 3}, {1, 1, 1}, DType::f32), 4, cpu, 256);
  CHECK(rows_of(found[0]) == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(apps::nearest_rows(file, from_vector({1, 3}, {1, 1, 1}, DType::f32), 1000, cpu)[0].size() == 700);

  write_table(scratch.path("g.safetensors"), {3, 1, {-2, 5, 0}});
  const apps::EmbeddingFile narrow(scratch.path("g.safetensors"));
  const auto all = apps::nearest_rows(narrow, from_vector({2, 1}, {3, -3}, DType::f32), 3, cpu);
  CHECK(all[0] == apps::FoundRows{{1, 1}, {2, 0}, {0, -1}});
  CHECK(all[1] == apps::FoundRows{{0, 1}, {2, 0}, {1, -1}});
  CHECK_THROWS_AS(apps::nearest_rows(narrow, from_vector({1, 2}, {3, -3}, DType::f32), 3, cpu),
                  std::invalid_argument);
}

TEST_CASE("exact search: more queries than a block give what each alone gives") {
  const Scratch scratch;
  const Table t{400, 16, normal_values(400 * 16, 3)}, queries{300, 16, normal_values(300 * 16, 4)};
  write_table(scratch.path("f.safetensors"), t);
  const apps::EmbeddingFile file(scratch.path("f.safetensors"));
  const Tensor all = tensor_of(queries);
  const auto together = apps::nearest_rows(file, all, 5, cpu, 256);
  for (std::int64_t q = 0; q < 300; q += 23) {
    CHECK(rows_of(together[std::size_t(q)]) == sorted_by_cosine(t, queries.row(q), 5));
    CHECK(apps::nearest_rows(file, all.slice(q, 1), 5, cpu)[0] == together[std::size_t(q)]);
  }
}
