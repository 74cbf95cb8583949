// A map of points by t-SNE (van der Maaten & Hinton 2008): near points stay near, distances between separate
// groups mean little. Exact, on the CPU, for one or two thousand points: the time grows with their square.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/tensor.h"

namespace apps {

using PlanePoints = std::vector<std::array<double, 2>>;

struct TsneOptions {
  double perplexity = 30;  // neighbours that count; of few points a third of them
  int iterations = 1000;
  std::uint64_t seed = 0;
};

// x: (N,D). Begins at the plane of the two largest principal components. The same input gives the same bytes.
PlanePoints tsne(const engine::Tensor& x, const TsneOptions& = {});

// Its parts. The affinities p: (N,N), symmetric, of sum 1: Gaussians around each row of x, whose entropy is
// ln(perplexity).
std::vector<double> affinities(const engine::Tensor& x, double perplexity);
// KL(p || q), where q are the affinities of the points on the plane (Student's t), and its gradient.
double divergence(const std::vector<double>& p, const PlanePoints&, PlanePoints& gradient);

}  // namespace apps
