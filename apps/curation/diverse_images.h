// A few images that stand for many.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tensor.h"

namespace apps {

// Rows of a subset in the order in which they were chosen, and the largest 1 - cosine of any candidate to the
// nearest of them.
struct Subset {
  std::vector<std::int32_t> rows;
  float radius = 0;
};

// k-center greedy (Gonzalez 1985; Sener & Savarese 2018): first the candidate nearest to the mean of all,
// then always the one that is farthest from those chosen; among equals the first. units: (N,D), f32, rows of
// length 1. min(n, candidates) rows.
Subset k_center(const engine::Tensor& units, const std::vector<std::int32_t>& candidates, std::int64_t n);

// Spherical k-means (Dhillon & Modha 2001) from the first k centers of k_center, at most `iterations` times;
// among equally near centres the first. The cluster of each candidate.
std::vector<std::int32_t> k_means(const engine::Tensor& units, const std::vector<std::int32_t>& candidates,
                                  std::int64_t k, int iterations = 50);

// By cluster: rounds over the clusters, each of which gives its candidate that is nearest to its mean and not
// taken yet, until n are taken.
Subset from_clusters(const engine::Tensor& units, const std::vector<std::int32_t>& candidates,
                     const std::vector<std::int32_t>& clusters, std::int64_t n);

}  // namespace apps
