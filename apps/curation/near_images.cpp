#include "apps/curation/near_images.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "apps/embedding/unit_row.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/ops.h"
#include "engine/tape.h"

namespace apps {
namespace {

using engine::Tensor;

constexpr std::int64_t kQueries = 512, kRows = 4096;  // of a tile
constexpr std::size_t kMostPairs = 20'000'000;

// The cosines of rows first_a.. of one set with rows first_b.. of the other, (count_a, count_b).
struct CosineTile {
  std::int64_t first_a, count_a, first_b, count_b;
  std::vector<double> values;
  float at(std::int64_t i, std::int64_t j) const {
    return std::min(1.0F, float(values[std::size_t(i * count_b + j)]));
  }
};

// Visits the tiles row by row. above_diagonal: of a set with itself, those that have a pair a < b.
void each_tile(const Tensor& a, const Tensor& b, bool above_diagonal,
               const std::function<void(const CosineTile&)>& visit) {
  const engine::NoGrad no_grad;
  for (std::int64_t i = 0; i < a.dim(0); i += kQueries) {
    const Tensor rows = a.slice(i, std::min(kQueries, a.dim(0) - i));
    const std::int64_t begin = above_diagonal ? i / kRows * kRows : 0;
    for (std::int64_t j = begin; j < b.dim(0); j += kRows) {
      const Tensor block = b.slice(j, std::min(kRows, b.dim(0) - j));
      visit({i, rows.dim(0), j, block.dim(0), linear(rows, block).to_vector()});
    }
  }
}

bool nearer(const NearPair& p, const NearPair& q) {
  if (p.cosine != q.cosine) return p.cosine > q.cosine;
  return p.a != q.a ? p.a < q.a : p.b < q.b;
}

// The pairs a < b of a tile that are at least the threshold, in order; each thread has rows of its own.
std::vector<NearPair> pairs_in(const CosineTile& t, double threshold) {
  std::vector<std::vector<NearPair>> found(static_cast<std::size_t>(t.count_a));
#pragma omp parallel for schedule(dynamic, 16)
  for (std::int64_t i = 0; i < t.count_a; ++i) {
    const std::int64_t a = t.first_a + i;
    for (std::int64_t j = std::max<std::int64_t>(0, a + 1 - t.first_b); j < t.count_b; ++j)
      if (t.at(i, j) >= threshold)
        found[std::size_t(i)].push_back({std::int32_t(a), std::int32_t(t.first_b + j), t.at(i, j)});
  }
  std::vector<NearPair> all;
  for (const auto& of_row : found) all.insert(all.end(), of_row.begin(), of_row.end());
  return all;
}

}  // namespace

Tensor unit_features(const EmbeddingFile& file, engine::Device device) {
  const engine::NoGrad no_grad;
  const Tensor all({file.rows(), file.width()}, engine::DType::f32, engine::cpu);
  for (std::int64_t first = 0; first < file.rows(); first += kRows) {
    const std::int64_t count = std::min(kRows, file.rows() - first);
    float* to = all.data<float>() + first * file.width();
    file.read(first, count, to);
    for (std::int64_t i = 0; i < count; ++i) {
      const double length = make_unit(to + i * file.width(), file.width());
      engine::require_data(std::isfinite(length) && length > 0, file.path(), ": the features of ",
                           engine::shown(std::string(file.name(first + i))), " have the length ", length,
                           ", expected a finite one above 0");
    }
  }
  return all.to(device);
}

std::vector<NearPair> pairs_above(const Tensor& units, double threshold) {
  std::vector<NearPair> all;
  each_tile(units, units, true, [&](const CosineTile& t) {
    const std::vector<NearPair> more = pairs_in(t, threshold);
    all.insert(all.end(), more.begin(), more.end());
    if (all.size() > kMostPairs)
      throw engine::UsageError(engine::concat_text("--threshold ", threshold, ": more than ", kMostPairs,
                                                   " pairs are that near, expected a higher one"));
  });
  std::ranges::sort(all,
                    [](const NearPair& p, const NearPair& q) { return p.a != q.a ? p.a < q.a : p.b < q.b; });
  return all;
}

std::vector<NearPair> closest_pairs(const Tensor& units, std::size_t n) {
  std::vector<NearPair> best;
  double least = -2;  // of the n best so far
  each_tile(units, units, true, [&](const CosineTile& t) {
    const std::vector<NearPair> more = pairs_in(t, least);
    best.insert(best.end(), more.begin(), more.end());
    if (best.size() <= n) return;
    std::ranges::nth_element(best, best.begin() + std::ptrdiff_t(n), nearer);
    best.resize(n);
    if (n > 0) least = std::ranges::max_element(best, nearer)->cosine;
  });
  std::ranges::sort(best, nearer);
  return best;
}

std::vector<NearPair> matches_above(const Tensor& units, const Tensor& others, double threshold) {
  std::vector<NearPair> best(std::size_t(units.dim(0)), NearPair{0, -1, 0});
  each_tile(units, others, false, [&](const CosineTile& t) {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < t.count_a; ++i) {
      NearPair& p = best[std::size_t(t.first_a + i)];
      for (std::int64_t j = 0; j < t.count_b; ++j)
        if (t.at(i, j) >= threshold && (p.b < 0 || t.at(i, j) > p.cosine))
          p = {std::int32_t(t.first_a + i), std::int32_t(t.first_b + j), t.at(i, j)};
    }
  });
  std::erase_if(best, [](const NearPair& p) { return p.b < 0; });
  return best;
}

std::vector<float> neighbour_distances(const Tensor& units, int k) {
  const auto used = std::min<std::int64_t>(k, units.dim(0) - 1);
  if (used < 1) return std::vector<float>(std::size_t(units.dim(0)), 0);
  std::vector<std::vector<float>> nearest(std::size_t(units.dim(0)));  // heaps: the smallest cosine first
  each_tile(units, units, false, [&](const CosineTile& t) {
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < t.count_a; ++i) {
      std::vector<float>& heap = nearest[std::size_t(t.first_a + i)];
      for (std::int64_t j = 0; j < t.count_b; ++j) {
        if (t.first_b + j == t.first_a + i) continue;
        const bool full = std::int64_t(heap.size()) == used;
        if (full && t.at(i, j) <= heap.front()) continue;
        if (full) {
          std::ranges::pop_heap(heap, std::greater());
          heap.pop_back();
        }
        heap.push_back(t.at(i, j));
        std::ranges::push_heap(heap, std::greater());
      }
    }
  });
  std::vector<float> distances;
  for (const auto& heap : nearest) distances.push_back(1 - heap.front());
  return distances;
}

std::vector<std::vector<std::int32_t>> connected(std::size_t rows, const std::vector<NearPair>& pairs) {
  std::vector<std::int32_t> above(rows);
  std::iota(above.begin(), above.end(), 0);
  const auto root = [&](std::int32_t row) {
    while (above[std::size_t(row)] != row) {
      std::int32_t& next = above[std::size_t(row)];
      next = above[std::size_t(next)];  // halves the way of later searches
      row = next;
    }
    return row;
  };
  for (const NearPair& p : pairs) {
    const std::int32_t a = root(p.a), b = root(p.b);
    above[std::size_t(std::max(a, b))] = std::min(a, b);  // the first row of a group is its root
  }
  std::vector<std::vector<std::int32_t>> members(rows);
  for (std::size_t row = 0; row < rows; ++row)
    members[std::size_t(root(std::int32_t(row)))].push_back(std::int32_t(row));
  std::erase_if(members, [](const auto& group) { return group.size() < 2; });
  return members;
}

}  // namespace apps
