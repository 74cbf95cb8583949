// Shared by the parts of augment.cu: the image that a block works on, in shared memory, and loops over it.
#pragma once

#include "kernels/augment/view.h"
#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {

// The columns that one thread takes at a time; on the host as many as fill its vectors.
template <int NT>
constexpr int columns_a_thread = NT == 1 ? 32 : 1;

// Three planes of `size` rows of `pitch` values, of which the first `size` are pixels. The channels are
// planes so that loops over pixels read neighbouring bytes of each. `work` is scratch memory for the ops.
struct Image {
  std::uint8_t* pixels;
  int size, pitch;
  unsigned char* work;
  int work_bytes;

  __device__ int plane_bytes() const { return size * pitch; }
  __device__ std::uint8_t* plane(int c) const { return pixels + c * plane_bytes(); }
};

template <int NT>
constexpr int pitch_of(int size) {
  constexpr int V = columns_a_thread<NT>;
  return (size + V - 1) / V * V;
}

inline constexpr int blur_rows = 64;  // rows that the blur keeps in `work`, a power of two

template <int NT>
constexpr int work_bytes_of(int size) {
  const int blur = blur_rows * pitch_of<NT>(size) * int(sizeof(float)), least = 12 * 1024;
  return blur > least ? blur : least;
}

// Calls f(e) for the place e of every pixel in a plane.
template <int NT, class F>
__device__ __forceinline__ void for_places(int size, int pitch, F f) {
  const int rows = NT == 1 ? size : 1, columns = NT == 1 ? size : size * size;  // pitch is size if NT > 1
  for (int row = 0; row < rows; ++row)
    for (int x = int(threadIdx.x); x < columns; x += NT) f(row * pitch + x);
}

// The index that torch's "reflect" padding reads for index i of a row of n values, as 1 for -1. An index that
// is still outside is clamped; only places beyond the image have such.
__device__ __forceinline__ int reflect(int i, int n) {
  if (i < 0) i = -i;
  if (i >= n) i = 2 * (n - 1) - i;
  return i < 0 ? 0 : i;
}

}  // namespace kernels::inline KERNELS_COMPILER
