// Gaussian classes, and helpers of the evaluation's tests.
#pragma once

#include <cstring>
#include <vector>

#include "engine/random.h"
#include "engine/tensor.h"
#ifdef _OPENMP
#include <omp.h>
#endif

struct Labelled {
  engine::Tensor features;
  std::vector<std::int32_t> labels;
};

// n points of deviation 1 in d dimensions. Class 0 lies at -distance and class 1 at +distance of `offset`
// along the first axis; class c > 1 at +distance along axis c - 1. Labels cycle through the classes.
inline Labelled gaussians(int n, int d, int classes, double distance, std::uint64_t seed,
                          engine::DType dtype = engine::DType::f32, double offset = 0) {
  engine::Random random(seed, 0x6a);
  Labelled out;
  std::vector<double> x;
  for (int i = 0; i < n; ++i) {
    const int label = i % classes;
    for (int j = 0; j < d; ++j) {
      double centre = offset;
      if (label == 0 && j == 0) centre -= distance;
      if (label == 1 && j == 0) centre += distance;
      if (label > 1 && j == label - 1) centre += distance;
      x.push_back(centre + random.normal());
    }
    out.labels.push_back(label);
  }
  out.features = from_vector({n, d}, x, dtype);
  return out;
}

inline double right(const std::vector<std::int32_t>& predicted, const std::vector<std::int32_t>& labels) {
  double count = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) count += predicted.at(i) == labels[i];
  return count / double(labels.size());
}

inline bool same_bits(const engine::Tensor& a, const engine::Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

template <class F>
void with_threads(int threads, F f) {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  omp_set_num_threads(threads);
  f();
  omp_set_num_threads(before);
#else
  (void)threads;
  f();
#endif
}
