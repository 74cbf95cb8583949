// Weighted nearest neighbours on frozen features (Wu et al. 2018, section 3.4): the k training images whose
// features have the greatest cosine s with the query's vote for their classes with e^(s/T).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tensor.h"

namespace models {

struct KnnOptions {
  int k = 200;  // at most the number of training images
  double temperature = 0.1;
};

struct KnnResult {
  int k;                                 // that was used
  std::vector<std::int32_t> predicted;   // (queries); of classes with equal votes the first
  std::vector<std::int32_t> neighbours;  // (queries,k), training images, nearest first
  std::vector<double> cosines;           // (queries,k)
};

// train: (N,D), test: (queries,D), of one dtype (f32 or f64) and device, not normalized; labels: (N), in
// 0 .. classes-1.
KnnResult classify_by_neighbours(const engine::Tensor& train, const std::vector<std::int32_t>& labels,
                                 const engine::Tensor& test, int classes, const KnnOptions& = {});

}  // namespace models
