// Convolution as a matrix product: im2col, and its transpose for the data gradient.
#include "kernels/base/convolution_shape.h"
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

// For one output pixel and one filter row r, the S x C elements are contiguous both in the image and in the
// columns. LANES threads copy this range; elements outside the image's row are zero.
template <int NT, int LANES, int RANGES, class T>
__global__ void __launch_bounds__(NT) im2col_kernel(ConvolutionShape s, const T* x, T* columns) {
  const std::int64_t p_count = s.p(), q_count = s.q(), ranges = s.n * p_count * q_count * s.r;
  const std::int64_t width = s.w * s.c, length = s.s * s.c;
  const int lane = int(threadIdx.x) % LANES;
  for (int i = int(threadIdx.x) / LANES; i < RANGES; i += NT / LANES) {
    const std::int64_t range = std::int64_t(blockIdx.x) * RANGES + i;
    if (range >= ranges) return;
    const std::int64_t r = range % s.r, pixel = range / s.r, q = pixel % q_count, np = pixel / q_count;
    const std::int64_t p = np % p_count, n = np / p_count;
    const std::int64_t h = p * s.stride - s.padding + r, first = (q * s.stride - s.padding) * s.c;
    const bool inside = h >= 0 && h < s.h;
    std::int64_t begin = first < 0 ? -first : 0, end = width - first < length ? width - first : length;
    if (!inside || end < 0) begin = end = 0;
    if (begin > end) begin = end;
    const T* from = x + (n * s.h + (inside ? h : 0)) * width + first;
    T* to = columns + range * length;
    for (std::int64_t e = lane; e < begin; e += LANES) to[e] = T(0);
    for (std::int64_t e = begin + lane; e < end; e += LANES) to[e] = from[e];
    for (std::int64_t e = end + lane; e < length; e += LANES) to[e] = T(0);
  }
}

// dx[n][h][w][c] (+)= sum over (r, s) of columns[n][p][q][r][s][c], where p stride + r - padding = h and so
// on. Each element of dx gathers its terms, so no two threads write to one element. CT channels per thread.
template <int NT, int LANES, int PIXELS, int CT, class T>
__global__ void __launch_bounds__(NT, 1)
    col2im_kernel(ConvolutionShape s, const acc_t<T>* columns, T* dx, bool accumulate) {
  using A = acc_t<T>;
  const std::int64_t p_count = s.p(), q_count = s.q(), pixels = s.n * s.h * s.w;
  const int lane = int(threadIdx.x) % LANES;
  for (int i = int(threadIdx.x) / LANES; i < PIXELS; i += NT / LANES) {
    const std::int64_t pixel = std::int64_t(blockIdx.x) * PIXELS + i;
    if (pixel >= pixels) return;
    const std::int64_t w = pixel % s.w, h = pixel / s.w % s.h, n = pixel / s.w / s.h;
    for (std::int64_t c = lane * CT; c < s.c; c += LANES * CT) {
      const int count = int(s.c - c < CT ? s.c - c : CT);
      A sum[CT] = {};
      for (std::int64_t r = 0; r < s.r; ++r) {
        const std::int64_t up = h + s.padding - r;
        if (up < 0 || up % s.stride != 0 || up / s.stride >= p_count) continue;
        for (std::int64_t q = 0; q < s.s; ++q) {
          const std::int64_t left = w + s.padding - q;
          if (left < 0 || left % s.stride != 0 || left / s.stride >= q_count) continue;
          const std::int64_t row = (n * p_count + up / s.stride) * q_count + left / s.stride;
          const A* from = columns + ((row * s.r + r) * s.s + q) * s.c + c;
          for (int j = 0; j < count; ++j) sum[j] += from[j];
        }
      }
      T* to = dx + pixel * s.c + c;
      for (int j = 0; j < count; ++j) to[j] = T(accumulate ? A(to[j]) + sum[j] : sum[j]);
    }
  }
}

}  // namespace

template <class Stream, class T>
void im2col(Stream stream, const ConvolutionShape& s, const T* x, T* columns) {
  constexpr int NT = threads<Stream>(256), LANES = choose<Stream>(32, 1), RANGES = choose<Stream>(32, 256);
  const std::int64_t ranges = s.n * s.p() * s.q() * s.r;
  if (ranges == 0) return;
  launch<im2col_kernel<NT, LANES, RANGES, T>>(
      stream, Grid{dim3(unsigned(ceil_div(ranges, RANGES))), dim3(NT)}, s, x, columns);
}

template <class Stream, class T>
void col2im(Stream stream, const ConvolutionShape& s, const acc_t<T>* columns, T* dx, bool accumulate) {
  constexpr int NT = threads<Stream>(256), LANES = choose<Stream>(32, 1), PIXELS = choose<Stream>(32, 64);
  constexpr int CT = choose<Stream>(1, 64);
  const std::int64_t pixels = s.n * s.h * s.w;
  if (pixels == 0) return;
  launch<col2im_kernel<NT, LANES, PIXELS, CT, T>>(
      stream, Grid{dim3(unsigned(ceil_div(pixels, PIXELS))), dim3(NT)}, s, columns, dx, accumulate);
}

INSTANTIATE_WITH_BF16(im2col)
INSTANTIATE_WITH_BF16(col2im)

}  // namespace kernels
