#include "apps/curation/diverse_images.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "engine/error.h"
#include "engine/ops.h"
#include "engine/tape.h"

namespace apps {
namespace {

using engine::Tensor;
using Rows = std::vector<std::int32_t>;

// The candidates' rows, in host memory.
Tensor taken(const Tensor& units, const Rows& rows) {
  const Tensor host = units.to(engine::cpu);
  const std::int64_t width = units.dim(1);
  Tensor out({std::int64_t(rows.size()), width}, engine::DType::f32, engine::cpu);
  for (std::size_t i = 0; i < rows.size(); ++i)
    std::memcpy(out.data<float>() + std::int64_t(i) * width, host.data<float>() + rows[i] * width,
                std::size_t(width) * sizeof(float));
  return out;
}

// The mean of rows of x, of length 1; 0 if they cancel out. Summed in f64 in the order of the rows.
std::vector<double> mean_direction(const Tensor& x, const std::vector<std::int64_t>& rows) {
  std::vector<double> sum(std::size_t(x.dim(1)), 0);
  for (const std::int64_t row : rows) {
    const float* values = x.data<float>() + row * x.dim(1);
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += double(values[d]);
  }
  double square = 0;
  for (const double v : sum) square += v * v;
  for (double& v : sum) v = square > 0 ? v / std::sqrt(square) : 0;
  return sum;
}

// The cosine of each row of x with one direction.
std::vector<float> cosines_to(const Tensor& x, const double* direction) {
  const std::int64_t n = x.dim(0), width = x.dim(1);
  std::vector<float> cosines(static_cast<std::size_t>(n));
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < n; ++i) {
    const float* row = x.data<float>() + i * width;
    double sum = 0;
    for (std::int64_t d = 0; d < width; ++d) sum += double(row[d]) * direction[d];
    cosines[std::size_t(i)] = float(sum);
  }
  return cosines;
}

std::vector<double> row_of(const Tensor& x, std::int64_t row) {
  const float* values = x.data<float>() + row * x.dim(1);
  return {values, values + x.dim(1)};
}

std::vector<std::int64_t> all_of(std::int64_t n) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) rows[std::size_t(i)] = i;
  return rows;
}

// The same as k_center for all rows of x.
Subset centers_of(const Tensor& x, std::int64_t n) {
  Subset s;
  std::vector<float> nearest(std::size_t(x.dim(0)), -2);  // cosine with the nearest that is chosen
  std::vector<double> direction = mean_direction(x, all_of(x.dim(0)));
  std::vector<float> cosines = cosines_to(x, direction.data());
  auto next = std::int64_t(std::ranges::max_element(cosines) - cosines.begin());
  while (std::int64_t(s.rows.size()) < std::min(n, x.dim(0))) {
    s.rows.push_back(std::int32_t(next));
    direction = row_of(x, next);
    cosines = cosines_to(x, direction.data());
    for (std::size_t i = 0; i < nearest.size(); ++i) nearest[i] = std::max(nearest[i], cosines[i]);
    nearest[std::size_t(next)] = 2;  // chosen: never the farthest, unlike an equal image
    next = std::ranges::min_element(nearest) - nearest.begin();
  }
  for (const float cosine : nearest) s.radius = std::max(s.radius, 1 - std::min(1.0F, cosine));
  return s;
}

}  // namespace

Subset k_center(const Tensor& units, const Rows& candidates, std::int64_t n) {
  engine::require(!candidates.empty() && n >= 1, "k_center: ", n, " of ", candidates.size(),
                  " rows, expected at least 1");
  Subset s = centers_of(taken(units, candidates), n);
  for (std::int32_t& row : s.rows) row = candidates[std::size_t(row)];
  return s;
}

Rows k_means(const Tensor& units, const Rows& candidates, std::int64_t k, int iterations) {
  engine::require(!candidates.empty() && k >= 1, "k_means: ", k, " clusters of ", candidates.size(),
                  " rows, expected at least 1");
  const engine::NoGrad no_grad;
  const Tensor x = taken(units, candidates);
  const std::int64_t n = x.dim(0), width = x.dim(1);
  Tensor centres = taken(x, centers_of(x, k).rows);
  Rows clusters;
  for (int iteration = 0; iteration < iterations; ++iteration) {
    Rows now;
    constexpr std::int64_t tile = 1024;
    for (std::int64_t first = 0; first < n; first += tile) {
      const engine::TopK best = top_k(linear(x.slice(first, std::min(tile, n - first)), centres), 1);
      for (const double cluster : best.indices.to_vector()) now.push_back(std::int32_t(cluster));
    }
    if (now == clusters) break;
    clusters = std::move(now);
    std::vector<std::vector<std::int64_t>> members(std::size_t(centres.dim(0)));
    for (std::size_t i = 0; i < clusters.size(); ++i)
      members[std::size_t(clusters[i])].push_back(std::int64_t(i));
    for (std::size_t c = 0; c < members.size(); ++c) {
      if (members[c].empty()) continue;  // its centre stays
      const std::vector<double> mean = mean_direction(x, members[c]);
      std::copy(mean.begin(), mean.end(), centres.data<float>() + std::int64_t(c) * width);
    }
  }
  return clusters;
}

Subset from_clusters(const Tensor& units, const Rows& candidates, const Rows& clusters, std::int64_t n) {
  engine::require(clusters.size() == candidates.size() && n >= 1, "from_clusters: clusters of ",
                  clusters.size(), " rows, expected ", candidates.size());
  const Tensor x = taken(units, candidates);
  std::map<std::int32_t, std::vector<std::int64_t>> members;
  for (std::size_t i = 0; i < clusters.size(); ++i) members[clusters[i]].push_back(std::int64_t(i));
  std::vector<std::vector<std::int64_t>> ordered;  // the nearest to the cluster's mean first
  for (auto& [cluster, rows] : members) {
    const std::vector<double> mean = mean_direction(x, rows);
    const std::vector<float> cosines = cosines_to(x, mean.data());
    std::ranges::stable_sort(rows, std::greater(),
                             [&](std::int64_t row) { return cosines[std::size_t(row)]; });
    ordered.push_back(rows);
  }
  Subset s;
  const std::int64_t wanted = std::min(n, x.dim(0));
  for (std::size_t round = 0; std::int64_t(s.rows.size()) < wanted; ++round)
    for (const auto& rows : ordered)
      if (round < rows.size() && std::int64_t(s.rows.size()) < wanted)
        s.rows.push_back(std::int32_t(rows[round]));
  std::vector<float> nearest(std::size_t(x.dim(0)), -2);
  for (const std::int32_t row : s.rows) {
    const std::vector<double> direction = row_of(x, row);
    const std::vector<float> cosines = cosines_to(x, direction.data());
    for (std::size_t i = 0; i < nearest.size(); ++i) nearest[i] = std::max(nearest[i], cosines[i]);
  }
  for (const float cosine : nearest) s.radius = std::max(s.radius, 1 - std::min(1.0F, cosine));
  for (std::int32_t& row : s.rows) row = candidates[std::size_t(row)];
  return s;
}

}  // namespace apps
