// Convolution by its definition in f64: the reference for all algorithms.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/random.h"
#include "kernels/base/bf16.h"
#include "kernels/base/convolution_shape.h"

namespace direct_convolution {

using kernels::bf16;
using kernels::ConvolutionShape;
using Values = std::vector<double>;

inline Values random_values(std::int64_t n, std::uint32_t seed) {
  engine::Random random(1, seed);
  Values v(static_cast<std::size_t>(n));
  for (double& x : v) x = double(bf16(random.uniform(-1, 1)));  // exact in every type
  return v;
}

// Calls f(index in x, index in the filter, index in y) for every product of the convolution.
template <class F>
void for_products(const ConvolutionShape& s, F f) {
  for (std::int64_t n = 0; n < s.n; ++n)
    for (std::int64_t p = 0; p < s.p(); ++p)
      for (std::int64_t q = 0; q < s.q(); ++q)
        for (std::int64_t r = 0; r < s.r; ++r)
          for (std::int64_t t = 0; t < s.s; ++t) {
            const std::int64_t h = p * s.stride - s.padding + r, w = q * s.stride - s.padding + t;
            if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
            for (std::int64_t k = 0; k < s.k; ++k)
              for (std::int64_t c = 0; c < s.c; ++c)
                f(((n * s.h + h) * s.w + w) * s.c + c, ((k * s.r + r) * s.s + t) * s.c + c,
                  ((n * s.p() + p) * s.q() + q) * s.k + k);
          }
}

struct Problem {
  ConvolutionShape shape;
  Values x, filter, dy, y, dx, d_filter;  // the last three are results of the direct convolution

  explicit Problem(const ConvolutionShape& s, bool solve = true) : shape(s) {
    x = random_values(s.n * s.h * s.w * s.c, 1);
    filter = random_values(s.k * s.r * s.s * s.c, 2);
    dy = random_values(s.n * s.p() * s.q() * s.k, 3);
    if (!solve) return;
    y.resize(dy.size());
    dx.resize(x.size());
    d_filter.resize(filter.size());
    for_products(s, [&](std::int64_t i, std::int64_t f, std::int64_t o) {
      y[o] += x[i] * filter[f];
      dx[i] += dy[o] * filter[f];
      d_filter[f] += x[i] * dy[o];
    });
  }
};

template <class T>
std::vector<T> as(const Values& v) {
  std::vector<T> out;
  for (double x : v) out.push_back(T(x));
  return out;
}

// rms of the difference over rms of the expected values
template <class T>
double error(const std::vector<T>& got, const Values& expected, double scale = 1) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = double(got[i]) - scale * expected[i];
    difference += d * d;
    size += scale * expected[i] * scale * expected[i];
  }
  return size > 0 ? std::sqrt(difference / size) : std::sqrt(difference);
}

}  // namespace direct_convolution
