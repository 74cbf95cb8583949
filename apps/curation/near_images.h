// Which images are near each other, by the cosine of their features. All pairs are compared exactly, tile by
// tile: the cosines are never all in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/embedding/embedding_file.h"
#include "engine/tensor.h"

namespace apps {

// The features of all rows, each of length 1: (N,D), f32. DataError, which names the image, if one is not
// finite or 0.
engine::Tensor unit_features(const EmbeddingFile&, engine::Device);

struct NearPair {
  std::int32_t a = 0, b = 0;  // rows
  float cosine = 0;           // at most 1
  friend bool operator==(const NearPair&, const NearPair&) = default;
};

// Pairs a < b whose cosine is at least the threshold, in the order of (a, b). units: (N,D), rows of length 1.
// UsageError if there are more than 20 million: the threshold is too low to mean near duplicates.
std::vector<NearPair> pairs_above(const engine::Tensor& units, double threshold);

// The n pairs a < b of the greatest cosines, the greatest first; of equal ones the first by (a, b). All pairs
// if there are fewer.
std::vector<NearPair> closest_pairs(const engine::Tensor& units, std::size_t n);

// For each row of `units` (a) the row of `others` (b) with the greatest cosine, if it is at least the
// threshold; of equal ones the first. In the order of a.
std::vector<NearPair> matches_above(const engine::Tensor& units, const engine::Tensor& others,
                                    double threshold);

// 1 - cosine to the k-th nearest other row, of each row. k is at most N - 1; of a single row it is 0.
std::vector<float> neighbour_distances(const engine::Tensor& units, int k);

// The sets of rows that chains of pairs connect (union-find), those of two rows or more. Rows ascend within a
// group, and groups by their first row.
std::vector<std::vector<std::int32_t>> connected(std::size_t rows, const std::vector<NearPair>&);

}  // namespace apps
