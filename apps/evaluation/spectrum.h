// Measures of embeddings: the number of directions that they use, their distances, and the plane on which
// their variance is largest.
#pragma once

#include <array>
#include <vector>

#include "engine/tensor.h"

namespace apps {

// exp of the entropy of the singular values of the centred rows of x: (N,D), over their sum (Roy & Vetterli
// 2007; Garrido et al. 2023 watch training by it). From 1 (all rows on one line, or all equal) to min(N-1,
// D).
double effective_rank(const engine::Tensor& x);

// The mean deviation of the columns of x: (N,D), whose rows are unit vectors, over that of a uniform
// distribution on the sphere, 1 / sqrt(D). 0: all rows are the same.
double relative_deviation(const engine::Tensor& x);

// Wang & Isola 2020, of unit vectors a, b: (N,D), two views of the same images in the same order.
double alignment(const engine::Tensor& a, const engine::Tensor& b);  // mean |a_i - b_i|^2: 0 is best
double uniformity(const engine::Tensor& a);  // log mean exp(-2 |a_i - a_j|^2), i < j: lower is more even

// Rows on the plane of their two largest principal components.
struct Plane {
  std::vector<std::array<double, 2>> points;
  std::array<double, 2> explained = {};  // fraction of the variance along each
};
Plane principal_plane(const engine::Tensor& x);

}  // namespace apps
