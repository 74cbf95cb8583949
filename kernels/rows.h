// How a block walks the rows of an (R,C) array whose columns are channels: batch norm, pooling.
//
// A GPU block takes packs of V neighbouring channels with neighbouring threads, and several rows at once
// where a row is short. A block of one thread runs over whole rows; short rows are joined, so that its
// innermost loop is at least 64 elements long.
#pragma once

#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {

// V neighbouring elements, loaded and stored at once.
template <class T, int V>
struct alignas(V * sizeof(T)) Pack {
  T v[V];
};

template <int V, class T>
__device__ __forceinline__ Pack<T, V> load_pack(const T* p) {
  return *reinterpret_cast<const Pack<T, V>*>(p);
}

template <int V, class T>
__device__ __forceinline__ void store_pack(T* p, const Pack<T, V>& pack) {
  *reinterpret_cast<Pack<T, V>*>(p) = pack;
}

// The elements of a 16-byte pack, if C channels are cut into such packs without a rest; else 1.
template <class T>
int pack_width(std::int64_t C) {
  return C % std::int64_t(16 / sizeof(T)) == 0 ? int(16 / sizeof(T)) : 1;
}

// The place of a thread in its block: `lanes` threads side by side over a row, `rows` rows at a time.
template <int NT, int V>
struct Place {
  int lanes, rows, row;
  std::int64_t c;  // the first of its V channels
  bool active;
  __device__ explicit Place(std::int64_t C) {
    const std::int64_t packs = C / V;
    lanes = packs < NT ? int(packs) : NT;
    rows = NT / lanes;
    row = int(threadIdx.x) / lanes;
    c = (std::int64_t(blockIdx.y) * lanes + int(threadIdx.x) % lanes) * V;
    active = row < rows && c < C;
  }
};

// The grid of Place: one slab of rows for each x, one group of channels for each y.
template <int NT>
Grid rows_grid(std::int64_t slabs, std::int64_t C, int V, const char* launcher = __builtin_FUNCTION()) {
  const std::int64_t groups = NT == 1 ? 1 : ceil_div(C / V, NT);
  return {dim3(unsigned(slabs), unsigned(groups)), dim3(NT), 0, launcher};
}

// Calls f(r) for r, r + step, ... below end, U of them unrolled so that their loads are in flight together.
template <int U, class F>
__device__ __forceinline__ void for_rows(std::int64_t r, std::int64_t end, std::int64_t step, F f) {
  for (; r + (U - 1) * step < end; r += U * step) {
    UNROLL for (int u = 0; u < U; ++u) f(r + u * step);
  }
  for (; r < end; r += step) f(r);
}

// a[v] of the threads of row 0 becomes the sum over the rows of the block. Every thread calls it.
template <int NT, int V, class A>
__device__ __forceinline__ void sum_over_rows(const Place<NT, V>& place, A (&a)[V]) {
  SHARED(A, tile, [V][NT]);
  __syncthreads();  // the tile may still be read from a call before
  for (int v = 0; v < V; ++v) tile[v][threadIdx.x] = a[v];
  __syncthreads();
  if (place.row == 0)
    for (int v = 0; v < V; ++v)
      for (int row = 1; row < place.rows; ++row) a[v] += tile[v][row * place.lanes + threadIdx.x];
}

// Channels of a block that adds up or merges the partial results of slabs.
template <int NT>
constexpr int merged_channels = NT == 1 ? 64 : 16;

// ---- one thread a block ------------------------------------------------------------------------

constexpr int widest_row = 512;  // channels that a host thread keeps sums of at a time

// Joins short rows: the length of the rows that the host walks, a multiple of C.
inline std::int64_t joined_row(std::int64_t C) { return C >= 64 ? C : 64 / C * C; }

// Calls f(offset, width) for column c0 .. c0 + width of each joined row among n rows of C channels. Channel
// of element i of such a piece: (c0 + i) % C.
template <class F>
__device__ __forceinline__ void for_joined_rows(std::int64_t n, std::int64_t C, std::int64_t c0, int width,
                                                F f) {
  const std::int64_t length = joined_row(C), full = n * C / length, rest = n * C - full * length;
  for (std::int64_t r = 0; r < full; ++r) f(r * length + c0, width);
  if (rest > 0) f(full * length, int(rest));
}

}  // namespace kernels::inline KERNELS_COMPILER
