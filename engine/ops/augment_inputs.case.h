// What the cards of augment share: their inputs, and rotation in their references.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/check/op_case.h"
#include "kernels/augment/view.h"

namespace engine {

inline const kernels::Normalization view_normalization{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};

// in: a tensor that has the output's dtype, the pixels, the views
inline Tensors view_inputs(const Shape& s, Random& random, int solarize = 128) {
  const std::int64_t n = s[0], bytes = s[2] * s[3] * 3;
  const int size = int(s[1]);
  Tensor pixels({n * bytes}, DType::u8, cpu), views({n, std::int64_t(sizeof(kernels::View))}, DType::u8, cpu);
  for (std::int64_t i = 0; i < pixels.numel(); ++i)
    pixels.data<std::uint8_t>()[i] = std::uint8_t(random.bits());
  for (std::int64_t k = 0; k < n; ++k) {
    kernels::View v{};
    v.offset = k * bytes;
    v.height = int(s[2]), v.width = int(s[3]);
    v.crop_height = v.height - int(random.below(std::uint32_t(v.height + 1) / 2));
    v.crop_width = v.width - int(random.below(std::uint32_t(v.width + 1) / 2));
    v.top = (v.height - v.crop_height) / 2, v.left = v.width - v.crop_width;
    v.flip = 1;
    v.angle = float(random.uniform(-180, 180));
    for (int i = 0; i < 4; ++i) {
      v.jitter[i] = kernels::Jitter(1 + (i + k) % 4);
      v.factor[i] =
          float(v.jitter[i] == kernels::Jitter::hue ? random.uniform(-0.5, 0.5) : random.uniform(0.5, 1.3));
    }
    v.grayscale = k == 1;
    v.blur_kernel = std::min(7, 2 * size - 1);
    v.blur_sigma = float(random.uniform(0.1, 2));
    v.solarize = solarize;
    v.bicubic = k % 2 == 0;
    v.antialias = k % 3 != 2;
    std::memcpy(views.data<std::uint8_t>() + k * std::int64_t(sizeof(kernels::View)), &v,
                sizeof(kernels::View));
  }
  return {zeros({n, size}, DType::f64, cpu), pixels, views};
}

// View k of these inputs.
inline kernels::View view_at(const Tensors& in, std::int64_t k) {
  kernels::View v;
  std::memcpy(&v, in[2].data<std::uint8_t>() + k * std::int64_t(sizeof v), sizeof v);
  return v;
}

// What an n x n image rotated by `degrees` has at (row, column): the sum over all pixels less than one pixel
// from where it is taken from. at(row, column): a value of the image.
template <class At>
double rotated_value(int n, float degrees, int row, int column, At at) {
  const double a = double(degrees) * std::acos(-1.0) / 180, middle = (n - 1) / 2.0;
  const double dx = column - middle, dy = row - middle;
  const double x = std::cos(a) * dx - std::sin(a) * dy + middle,
               y = std::sin(a) * dx + std::cos(a) * dy + middle;
  double sum = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      sum += std::max(0.0, 1 - std::abs(i - y)) * std::max(0.0, 1 - std::abs(j - x)) * at(i, j);
  return sum;
}

}  // namespace engine
