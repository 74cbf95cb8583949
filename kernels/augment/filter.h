// Rotation and Gaussian blur, as torchvision.transforms.v2.functional does them on 8-bit tensors: in f32,
// rounded (half to even) to 8 bits once.
#pragma once

#include "kernels/augment/image.h"

namespace kernels::inline KERNELS_COMPILER {

// Rotates counter-clockwise by `angle` degrees round the middle, bilinear, black outside. Channels are done
// one after another, since the op reads from a copy of the channel that it overwrites.
template <int NT>
__device__ __forceinline__ void rotate(const Image& image, float angle) {
  const int size = image.size, pitch = image.pitch;
  const float middle = 0.5f * float(size - 1);
  const double radians = double(angle) * 0.017453292519943295;
  const float cosine = float(cos(radians)), sine = float(sin(radians));
  std::uint8_t* copy = image.work;
  for (int c = 0; c < 3; ++c) {
    std::uint8_t* plane = image.plane(c);
    __syncthreads();
    for (int e = int(threadIdx.x); e < size * pitch; e += NT) copy[e] = plane[e];
    __syncthreads();
    for_places<NT>(size, pitch, [&](int e) {
      const int row = e / pitch, column = e - row * pitch;
      const float x = float(column) - middle, y = float(row) - middle;
      const float from_x = cosine * x - sine * y + middle, from_y = sine * x + cosine * y + middle;
      const int left = int(floor(from_x)), top = int(floor(from_y));
      const float wx = from_x - float(left), wy = from_y - float(top);
      const auto at = [&](int i, int j) {
        return i >= 0 && i < size && j >= 0 && j < size ? float(copy[i * pitch + j]) : 0.0f;
      };
      const float v = (at(top, left) * (1 - wx) + at(top, left + 1) * wx) * (1 - wy) +
                      (at(top + 1, left) * (1 - wx) + at(top + 1, left + 1) * wx) * wy;
      plane[e] = std::uint8_t(int(rintf(v)));
    });
  }
  __syncthreads();
}

// A separable filter, one channel after another. Rows of the image are filtered horizontally into a ring
// buffer of f32 rows, and strips of output rows are filtered vertically from it. A row of the ring or of the
// image is overwritten only when no later row needs it.
template <int NT>
__device__ __forceinline__ void blur(const Image& image, int kernel, float sigma) {
  constexpr int V = columns_a_thread<NT>, R = 4;  // columns and rows that a thread computes at a time
  const int size = image.size, pitch = image.pitch, half = kernel / 2, blocks = pitch / V;
  SHARED(float, raw, [max_blur_kernel]);
  SHARED(float, weights, [max_blur_kernel + 2 * (R - 1)]);  // R - 1 zeros at both ends
  for (int k = int(threadIdx.x); k < kernel; k += NT) {
    const float d = float(k - half) / sigma;
    raw[k] = exp(-0.5f * d * d);
  }
  __syncthreads();
  float sum = 0;
  for (int k = 0; k < kernel; ++k) sum += raw[k];
  for (int k = int(threadIdx.x); k < kernel + 2 * (R - 1); k += NT)
    weights[k] = k >= R - 1 && k < kernel + R - 1 ? raw[k - (R - 1)] / sum : 0.0f;
  __syncthreads();

  auto* ring = reinterpret_cast<float*>(image.work);  // row y is at y mod blur_rows
  const int strip = blur_rows - (kernel - 1);
  for (int c = 0; c < 3; ++c) {
    std::uint8_t* plane = image.plane(c);
    for (int y0 = 0, filled = 0; y0 < size; y0 += strip) {
      const int y1 = min(size, y0 + strip), needed = min(size, y1 + half);
      for (int e = int(threadIdx.x); e < (needed - filled) * blocks; e += NT) {
        const int y = filled + e / blocks, x = e % blocks * V;
        const std::uint8_t* row = plane + y * pitch;
        float window[V == 1 ? 1 : V + max_blur_kernel - 1];  // the row with its reflected ends
        if constexpr (V > 1)
          for (int i = 0; i < V + kernel - 1; ++i) window[i] = float(row[reflect(x - half + i, size)]);
        float out[V] = {};
        for (int k = 0; k < kernel; ++k)
          for (int v = 0; v < V; ++v)
            out[v] += weights[k + R - 1] * (V > 1 ? window[k + v] : float(row[reflect(x - half + k, size)]));
        for (int v = 0; v < V; ++v) ring[(y & (blur_rows - 1)) * pitch + x + v] = out[v];
      }
      __syncthreads();
      const int groups = (y1 - y0 + R - 1) / R;
      for (int e = int(threadIdx.x); e < groups * blocks; e += NT) {
        const int y = y0 + e / blocks * R, x = e % blocks * V;
        float out[R][V] = {};
        for (int j = 0; j < kernel + R - 1; ++j) {  // row y + j - half adds to rows y .. y + R - 1
          const int from = min(reflect(y + j - half, size), needed - 1);
          const float* row = ring + (from & (blur_rows - 1)) * pitch + x;
          UNROLL for (int r = 0; r < R; ++r) for (int v = 0; v < V; ++v) out[r][v] +=
              weights[j - r + R - 1] * row[v];
        }
        UNROLL for (int r = 0; r < R; ++r) if (y + r < y1) for (int v = 0; v < V; ++v)
            plane[(y + r) * pitch + x + v] = std::uint8_t(int(rintf(out[r][v])));
      }
      filled = needed;
      __syncthreads();
    }
  }
}

}  // namespace kernels::inline KERNELS_COMPILER
