// Winograd convolution of 3x3 filters with padding 1, at stride 1 and 2: types and launchers.
// docs/kernels/convolution.md derives it.
//
// In the Winograd domain a 4x4 tile of outputs is a set of points (u, v), u and v < 6, and the convolution is
// one matrix product over the channels for each of the 36 points. At stride 2 the last point of either
// direction holds the 4 odd samples of the input, which are all multiplied by the same filter tap: a point
// has 1, 4 or 16 members.
//
// Domain tensors are made of panels, the order in which the matrix product reads them:
//   images    [point][channel / P][tile][member][P]
//   filters   [point][output channel / P][input channel][P]
//   gradient  [part][point][input channel / P][output channel][P], of the filters
// with P = winograd_panel<Stream, T> and channels rounded up to P; those past the last are zero.
#pragma once

#include <cstddef>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/rounding.h"
#include "kernels/simt.h"
#include "kernels/tiles/vector.h"

namespace kernels::inline KERNELS_COMPILER {

// Channels per panel: two vector registers at one thread per block, else the lanes of a warp.
template <class Stream, class T>
constexpr int winograd_panel = choose<Stream>(32, 2 * host_vector_bytes / int(sizeof(T)));

}  // namespace kernels::inline KERNELS_COMPILER

// Outside the inline namespace: these types are parameters of the launchers, whose mangled names must be the
// same for both compilers.
namespace kernels {

// Members of a point of a convolution of stride S, and of all points before it.
template <int S>
KERNELS_HOST_DEVICE constexpr int winograd_members(int point) {
  return S == 1 ? 1 : (point / 6 == 5 ? 4 : 1) * (point % 6 == 5 ? 4 : 1);
}
template <int S>
KERNELS_HOST_DEVICE constexpr int winograd_members_before(int point) {
  return S == 1 ? point : 9 * (point / 6) + (point / 6 == 5 ? 4 : 1) * (point % 6);
}

// One domain tensor of an image, for `tiles` tiles of `channels` channels, rounded up to the panel. Each
// point is padded by one panel: points a multiple of 4 KB apart would map to the same sets of the L1 cache.
struct WinogradDomain {
  std::int64_t tiles, channels;
  int panel;

  template <int S>
  KERNELS_HOST_DEVICE std::int64_t offset(int point) const {
    return winograd_members_before<S>(point) * tiles * channels + std::int64_t(point) * panel;
  }
  template <int S>
  KERNELS_HOST_DEVICE std::int64_t panel_stride(int point) const {
    return winograd_members<S>(point) * tiles * panel;
  }
  template <int S>
  KERNELS_HOST_DEVICE std::int64_t elements() const {
    return offset<S>(35) + winograd_members<S>(35) * tiles * channels + panel;
  }
};

// The domain tensor of a filter: its rows are input channels, its columns output channels.
struct WinogradFilter {
  std::int64_t rows, columns;  // rounded up to the panel
  int panel;
  KERNELS_HOST_DEVICE std::int64_t offset(int point) const { return point * (rows * columns + panel); }
  KERNELS_HOST_DEVICE std::int64_t elements() const { return offset(36); }
};

// A range of the tiles of an image, numbered row by row through all images.
struct WinogradTiles {
  std::int64_t images, h, w, c;  // NHWC
  std::int64_t across, down;     // tiles of one image
  std::int64_t first, count;     // the range
};

// The role of an image in a convolution, which selects its transform.
enum class WinogradImage {
  input,            // x of the forward pass and of the weight gradient
  gradient,         // dy of the weight gradient
  transposed_input  // dy of the data gradient
};

// ---- winograd.cu -------------------------------------------------------------------------------

// domain = the transform of tiles t of an image
template <class Stream, class T>
void winograd_image(Stream, int stride, WinogradImage, const WinogradTiles& t, const T* image,
                    const WinogradDomain&, acc_t<T>* domain);

// tiles t of an image (+)= the transform of the domain; kind is that of the image that went in
template <class Stream, class T>
void winograd_output(Stream, int stride, WinogradImage kind, const WinogradTiles& t, const WinogradDomain&,
                     const acc_t<T>* domain, T* image, bool accumulate);

// domain = the transform of a (k,3,3,c) filter with rows c and columns k; transposed, for the data gradient:
// rows k, columns c, taps in reverse
template <class Stream, class T>
void winograd_filter(Stream, int stride, bool transposed, std::int64_t k, std::int64_t c, const T* filter,
                     const WinogradFilter&, T* domain);

// The same on the CPU device with each value as 2 or 3 bf16 parts (kernels/tiles/bf16_parts.h):
// [point][output / P][input / P][part][output / L][input / 2][output in L][input in 2], with L = P / 2, for
// winograd_amx.h
void winograd_filter_parts(int parts, CpuStream, int stride, bool transposed, std::int64_t k, std::int64_t c,
                           const float* filter, const WinogradFilter&, std::uint16_t* domain);

// d_filter (k,3,3,c) (+)= the transform of the sum of the parts; rows k, columns c
template <class Stream, class T>
void winograd_filter_gradient(Stream, int stride, std::int64_t k, std::int64_t c, int parts,
                              const WinogradFilter&, const T* domain, T* d_filter, bool accumulate);

// ---- winograd_product.cu -----------------------------------------------------------------------

// m[point] = v[point] u[point] for `count` tiles: (tiles members, rows of u) (rows, columns)
template <class Stream, class T>
void winograd_product(Stream, int stride, std::int64_t count, const WinogradDomain&, const T* v,
                      const WinogradFilter&, const T* u, const WinogradDomain&, T* m);

// u[point] (+)= w[point]^T v[point] for `count` tiles, where the rows of u are the channels of w
template <class Stream, class T>
void winograd_gradient_product(Stream, int stride, std::int64_t count, const WinogradDomain&, const T* w,
                               const WinogradDomain&, const T* v, const WinogradFilter&, T* u,
                               bool accumulate);

}  // namespace kernels
