// The ops on single pixels: color jitter, grayscale, solarize. They compute what
// torchvision.transforms.v2.functional does on 8-bit tensors: in f32, truncated (not rounded) to 8 bits. The
// order of operations is torch's too, since a truncated result near a whole number depends on the last bit.
#pragma once

#include "kernels/augment/image.h"
#include "kernels/tiles/reduce.h"

namespace kernels::inline KERNELS_COMPILER {

struct Rgb {
  float r, g, b;
};

// Replaces each pixel by f(pixel), truncated to 8 bits. It needs no barrier: a pixel belongs to the same
// thread in every op.
template <int NT, class F>
__device__ __forceinline__ void for_pixels(const Image& image, F f) {
  const int n = image.plane_bytes();
  std::uint8_t* __restrict__ r = image.plane(0), * __restrict__ g = image.plane(1), * __restrict__ b = image.plane(2);
  for (int e = int(threadIdx.x); e < n; e += NT) {
    const Rgb v = f(Rgb{float(r[e]), float(g[e]), float(b[e])});
    r[e] = std::uint8_t(int(v.r));
    g[e] = std::uint8_t(int(v.g));
    b[e] = std::uint8_t(int(v.b));
  }
}

__device__ __forceinline__ float clamped(float v) { return v < 0.0f ? 0.0f : v > 255.0f ? 255.0f : v; }

// torchvision's weights; their sum is 0.9999, so that white becomes 254.
__device__ __forceinline__ float gray_of(float r, float g, float b) {
  return fmaf(b, 0.114f, fmaf(g, 0.587f, r * 0.2989f));
}

// v factor + other (1 - factor)
__device__ __forceinline__ float blend(float v, float factor, float other, float rest) {
  return clamped(fmaf(other, rest, v * factor));
}

template <int NT>
__device__ __forceinline__ void brightness(const Image& image, float factor) {
  for_pixels<NT>(image, [=](Rgb p) {
    return Rgb{clamped(p.r * factor), clamped(p.g * factor), clamped(p.b * factor)};
  });
}

// Blends with the mean gray of the image, after the ops before.
template <int NT>
__device__ __forceinline__ void contrast(const Image& image, float factor) {
  const std::uint8_t *r = image.plane(0), *g = image.plane(1), *b = image.plane(2);
  int sum = 0;  // at most 255 * 238^2: exact, so its order does not matter
  for_places<NT>(image.size, image.pitch, [&](int e) { sum += int(gray_of(r[e], g[e], b[e])); });
  sum = block_sum<NT>(sum);
  const float mean = float(sum) / float(image.size * image.size), rest = float(1.0 - double(factor));
  for_pixels<NT>(image, [=](Rgb p) {
    return Rgb{blend(p.r, factor, mean, rest), blend(p.g, factor, mean, rest),
               blend(p.b, factor, mean, rest)};
  });
}

template <int NT>
__device__ __forceinline__ void saturation(const Image& image, float factor) {
  const float rest = float(1.0 - double(factor));
  for_pixels<NT>(image, [=](Rgb p) {
    const float gray = float(int(gray_of(p.r, p.g, p.b)));
    return Rgb{blend(p.r, factor, gray, rest), blend(p.g, factor, gray, rest),
               blend(p.b, factor, gray, rest)};
  });
}

// Channel of an HSV color, h in sixths of a turn: v - v s max(0, min(k, 4 - k, 1)), k = (n + h) mod 6, with n
// = 5, 3, 1 for red, green, blue. The same as choosing among v, p, q, t by sector, without a branch.
__device__ __forceinline__ float hsv_channel(float n, float h, float vs, float v) {
  float k = n + h;
  k = k >= 6.0f ? k - 6.0f : k;
  float m = k < 4.0f - k ? k : 4.0f - k;
  m = m < 1.0f ? m : 1.0f;
  m = m > 0.0f ? m : 0.0f;
  const float x = v - vs * m;
  return (x > 0.0f ? x : 0.0f) * 255.999f;  // 256 - 1e-3, torchvision's way back to 8 bits
}

// Turns the hue by `turn` in [-0.5, 0.5] of the circle.
template <int NT>
__device__ __forceinline__ void hue(const Image& image, float turn) {
  for_pixels<NT>(image, [=](Rgb p) {
    constexpr float unit = 1.0f / 255.0f;
    const float r = p.r * unit, g = p.g * unit, b = p.b * unit;
    const float rg = r > g ? r : g, most = rg > b ? rg : b;
    const float low = r < g ? r : g, least = low < b ? low : b, range = most - least;
    const bool red = most == r, green = most == g;
    const float ahead = red ? g - b : green ? b - r : r - g, start = red ? 0.0f : green ? 2.0f : 4.0f;
    const float sector = start + ahead / (range == 0.0f ? 1.0f : range);  // -1 .. 5
    float h = sector * (1.0f / 6.0f) + 1.0f;
    h = h - floor(h) + turn;
    h = (h - floor(h)) * 6.0f;
    const float vs = range;  // v s = most (range / most)
    return Rgb{hsv_channel(5.0f, h, vs, most), hsv_channel(3.0f, h, vs, most),
               hsv_channel(1.0f, h, vs, most)};
  });
}

template <int NT>
__device__ __forceinline__ void grayscale(const Image& image) {
  for_pixels<NT>(image, [](Rgb p) {
    const float gray = gray_of(p.r, p.g, p.b);
    return Rgb{gray, gray, gray};
  });
}

template <int NT>
__device__ __forceinline__ void solarize(const Image& image, int threshold) {
  const float t = float(threshold);
  for_pixels<NT>(image, [=](Rgb p) {
    return Rgb{p.r >= t ? 255.0f - p.r : p.r, p.g >= t ? 255.0f - p.g : p.g, p.b >= t ? 255.0f - p.b : p.b};
  });
}

template <int NT>
__device__ __forceinline__ void jitter(const Image& image, const View& view) {
  for (int i = 0; i < 4; ++i) {
    const float factor = view.factor[i];
    switch (view.jitter[i]) {
      case Jitter::none:
        break;
      case Jitter::brightness:
        brightness<NT>(image, factor);
        break;
      case Jitter::contrast:
        contrast<NT>(image, factor);
        break;
      case Jitter::saturation:
        saturation<NT>(image, factor);
        break;
      case Jitter::hue:
        hue<NT>(image, factor);
        break;
    }
  }
}

}  // namespace kernels::inline KERNELS_COMPILER
