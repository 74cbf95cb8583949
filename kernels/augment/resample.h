// Crop, resize and flip: torchvision.transforms.v2.functional.resized_crop on 8-bit values. It is
// torch.nn.functional.interpolate with its 16-bit fixed-point weights: first along rows, rounded to 8 bits,
// then along columns. The results are bit-identical, since the weights are computed in f64 as in torch.
#pragma once

#include "kernels/augment/image.h"
#include "kernels/tiles/reduce.h"

namespace kernels::inline KERNELS_COMPILER {

// One direction: out[i] = round(sum_{t < taps} weight(i, first(i) + t) in[first(i) + t])
struct Axis {
  int in, out;
  bool cubic, antialias;
  double scale, widen, support;  // the filter is widened by `widen`, so that it reaches `support` pixels
  int taps;

  __device__ Axis(int in, int out, bool cubic, bool antialias)
      : in(in), out(out), cubic(cubic), antialias(antialias), scale(double(in) / out) {
    widen = antialias && scale > 1 ? scale : 1;
    support = (cubic ? 2 : 1) * widen;
    taps = min(in, int(ceil(2 * support)));
  }

  // Keys' cubic with a = -0.5 (antialias, as Pillow) or -0.75 (else, as OpenCV), or the triangle
  __device__ double filter(double x) const {
    x = x < 0 ? -x : x;
    if (!cubic) return x < 1 ? 1 - x : 0;
    const double a = antialias ? -0.5 : -0.75;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
  }

  __device__ double center(int i) const { return scale * (i + 0.5); }
  // where output i falls between the inputs, without antialias
  __device__ double position(int i) const {
    const double p = center(i) - 0.5;
    return p < 0 && !cubic ? 0 : p;
  }

  __device__ int first(int i) const {
    const int lowest = antialias ? int(center(i) - (support - 0.5))  // truncated as in torch
                                 : min(int(floor(position(i))), in - 1) - int(support) + 1;
    return max(0, min(lowest, in - taps));
  }

  // The weight of input j in output i, before normalization.
  __device__ double weight(int i, int j) const {
    if (antialias) return filter((j - center(i) + 0.5) / widen);
    const double p = position(i);
    const int below = min(int(floor(p)), in - 1), reach = int(support);
    const double beyond = min(max(p - below, 0.0), 1.0);
    double sum = 0;  // inputs outside count as the nearest inside
    for (int k = 1 - reach; k <= reach; ++k)
      if (max(0, min(below + k, in - 1)) == j) sum += filter(k - beyond);
    return sum;
  }
};

// For each output of an axis, in shared memory.
struct Weights {
  double* norm;  // the factor that makes the sum of the weights 2^bits
  int* first;
  int bits;  // of the fixed-point fraction: the most for which every weight fits 16 bits

  __device__ int at(const Axis& axis, int i, int j) const { return int(lround(axis.weight(i, j) * norm[i])); }
};

template <int NT>
__device__ __forceinline__ void prepare(const Axis& axis, Weights& weights) {
  int bits = 21;
  for (int i = int(threadIdx.x); i < axis.out; i += NT) {
    const int first = axis.first(i);
    double sum = 0, largest = 0;
    for (int t = 0; t < axis.taps; ++t) {
      const double w = axis.weight(i, first + t);
      sum += w;
      largest = max(largest, w);
    }
    weights.first[i] = first;
    weights.norm[i] = sum != 0 ? 1 / sum : 0;
    largest *= weights.norm[i];
    while (bits > 0 && lround(largest * (1 << bits)) >= 1 << 15) --bits;
  }
  weights.bits = -block_max<NT>(-bits);
  for (int i = int(threadIdx.x); i < axis.out; i += NT) weights.norm[i] *= 1 << weights.bits;
}

__device__ __forceinline__ std::uint8_t rounded(int sum, int bits) {
  const int v = sum >> bits;  // the sum contains half of 2^bits, for rounding
  return std::uint8_t(v < 0 ? 0 : v > 255 ? 255 : v);
}

// For any scale, without tables: the weights are computed again for each pixel.
template <int NT>
__device__ __forceinline__ void resample_direct(const Image& image, const std::uint8_t* source, int width,
                                                bool flip, const Axis& across, const Weights& wx,
                                                const Axis& down, const Weights& wy) {
  const int size = image.size, pitch = image.pitch;
  for (int e = int(threadIdx.x); e < size * pitch; e += NT) {
    const int y = e / pitch, x = min(e % pitch, size - 1), i = flip ? size - 1 - x : x;
    int sum[3] = {1 << wy.bits >> 1, 1 << wy.bits >> 1, 1 << wy.bits >> 1};
    for (int r = 0; r < down.taps; ++r) {
      int row[3] = {1 << wx.bits >> 1, 1 << wx.bits >> 1, 1 << wx.bits >> 1};
      for (int t = 0; t < across.taps; ++t) {
        const int w = wx.at(across, i, wx.first[i] + t);
        const std::uint8_t* p = source + (std::int64_t(wy.first[y] + r) * width + wx.first[i] + t) * 3;
        for (int c = 0; c < 3; ++c) row[c] += w * p[c];
      }
      const int w = wy.at(down, y, wy.first[y] + r);
      for (int c = 0; c < 3; ++c) sum[c] += w * rounded(row[c], wx.bits);
    }
    for (int c = 0; c < 3; ++c) image.plane(c)[e] = rounded(sum[c], wy.bits);
  }
}

// Computes strips of output rows, in tiles of 32 columns: the input rows of a tile are filtered horizontally
// into shared memory, then vertically into the image. `table` is the rest of the work memory.
template <int NT>
__device__ __forceinline__ void resample_tiled(const Image& image, const std::uint8_t* source, int width,
                                               bool flip, const Axis& across, const Weights& wx,
                                               const Axis& down, const Weights& wy, int strip,
                                               unsigned char* table) {
  constexpr int C = 32, V = columns_a_thread<NT>;
  const int size = image.size, tx = across.taps, ty = down.taps;
  auto* column_weights = reinterpret_cast<std::int16_t*>(table);           // [tx][C]
  std::int16_t* row_weights = column_weights + tx * C;                     // [strip][ty]
  auto* rows = reinterpret_cast<std::uint8_t*>(row_weights + strip * ty);  // [row][3][C]

  for (int y0 = 0; y0 < size; y0 += strip) {
    const int y1 = min(size, y0 + strip), row0 = wy.first[y0], rows_needed = wy.first[y1 - 1] + ty - row0;
    for (int e = int(threadIdx.x); e < (y1 - y0) * ty; e += NT) {
      const int y = y0 + e / ty;
      row_weights[e] = std::int16_t(wy.at(down, y, wy.first[y] + e % ty));
    }
    for (int x0 = 0; x0 < size; x0 += C) {
      for (int e = int(threadIdx.x); e < tx * C; e += NT) {
        const int x = min(x0 + e % C, size - 1), i = flip ? size - 1 - x : x;
        column_weights[e] = std::int16_t(wx.at(across, i, wx.first[i] + e / C));
      }
      __syncthreads();
      for (int e = int(threadIdx.x); e < rows_needed * C; e += NT) {
        const int row = e / C, k = e % C, x = min(x0 + k, size - 1), i = flip ? size - 1 - x : x;
        const std::uint8_t* p = source + (std::int64_t(row0 + row) * width + wx.first[i]) * 3;
        int r = 1 << wx.bits >> 1, g = r, b = r;
        for (int t = 0; t < tx; ++t, p += 3) {
          const int w = column_weights[t * C + k];
          r += w * p[0], g += w * p[1], b += w * p[2];
        }
        std::uint8_t* q = rows + row * 3 * C + k;
        q[0] = rounded(r, wx.bits), q[C] = rounded(g, wx.bits), q[2 * C] = rounded(b, wx.bits);
      }
      __syncthreads();
      for (int e = int(threadIdx.x); e < (y1 - y0) * 3 * (C / V); e += NT) {
        const int k = e % (C / V) * V, c = e / (C / V) % 3, y = y0 + e / (C / V) / 3;
        if (x0 + k >= image.pitch) continue;
        const std::int16_t* w = row_weights + (y - y0) * ty;
        const std::uint8_t* p = rows + ((wy.first[y] - row0) * 3 + c) * C + k;
        int sum[V];
        for (int v = 0; v < V; ++v) sum[v] = 1 << wy.bits >> 1;
        for (int t = 0; t < ty; ++t, p += 3 * C)
          for (int v = 0; v < V; ++v) sum[v] += w[t] * p[v];
        std::uint8_t* q = image.plane(c) + y * image.pitch + x0 + k;
        for (int v = 0; v < V; ++v) q[v] = rounded(sum[v], wy.bits);
      }
      __syncthreads();
    }
  }
}

template <int NT>
__device__ __forceinline__ void resample(const Image& image, const std::uint8_t* source, const View& view) {
  const int size = image.size;
  const Axis across(view.crop_width, size, view.bicubic, view.antialias);
  const Axis down(view.crop_height, size, view.bicubic, view.antialias);
  auto* norms = reinterpret_cast<double*>(image.work);
  auto* firsts = reinterpret_cast<int*>(norms + 2 * size);
  Weights wx{norms, firsts, 0}, wy{norms + size, firsts + size, 0};
  prepare<NT>(across, wx);
  prepare<NT>(down, wy);
  __syncthreads();
  const std::uint8_t* crop = source + (std::int64_t(view.top) * view.width + view.left) * 3;

  auto* table = reinterpret_cast<unsigned char*>(firsts + 2 * size);
  const int left = int(image.work + image.work_bytes - table);
  int strip = size;
  const auto bytes = [&] {
    const int rows = min(down.in, int((strip - 1) * down.scale) + down.taps + 2);
    return 64 * across.taps + 2 * down.taps * strip + 96 * rows;
  };
  while (strip > 1 && bytes() > left) strip = (strip + 1) / 2;
  if (bytes() <= left)
    resample_tiled<NT>(image, crop, view.width, view.flip, across, wx, down, wy, strip, table);
  else
    resample_direct<NT>(image, crop, view.width, view.flip, across, wx, down, wy);
}

}  // namespace kernels::inline KERNELS_COMPILER
