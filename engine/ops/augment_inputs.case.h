// What the cards of augment begin with.
#pragma once

#include <algorithm>
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

}  // namespace engine
