// Weighted nearest neighbours on frozen features (Wu et al. 2018, section 3.4): the k training images whose
// features have the greatest cosine s with the query's vote for their classes with e^(s/T).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tensor.h"

namespace models {

// The training rows that are nearest to each query, nearest first; among equally near rows the first comes
// first.
struct Neighbours {
  int k;                           // neighbours of each query
  std::vector<std::int32_t> rows;  // (queries,k), of the training rows
  std::vector<double> cosines;     // (queries,k)
};

// train: (N,D), queries: (M,D), of the same dtype (f32 or f64) and device, not normalized. Finds min(k, N)
// rows.
Neighbours nearest_neighbours(const engine::Tensor& train, const engine::Tensor& queries, int k);

struct KnnOptions {
  int k = 200;  // limited to the number of training images
  double temperature = 0.1;
};

struct KnnResult {
  Neighbours nearest;
  std::vector<std::int32_t> predicted;  // (queries); among classes with equal votes the first
  std::vector<std::int32_t> best = {};  // (queries,kBest): classes by their votes; -1: no other has any
};

// labels: (N), those of the training rows, from 0 to classes-1.
KnnResult classify_by_neighbours(const engine::Tensor& train, const std::vector<std::int32_t>& labels,
                                 const engine::Tensor& test, int classes, const KnnOptions& = {});

}  // namespace models
