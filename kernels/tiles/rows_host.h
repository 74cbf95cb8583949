// The host's walk over the rows of an (R,C) array: one thread a block takes all channels of a slab of rows.
//
// The block walks one tile of N vector registers after another down all rows of the slab. If a row is not a
// whole number of tiles, consecutive rows are joined until they are, or at least until they are a whole
// number of registers. A tile of joined rows may wrap: its channel after C - 1 is channel 0 of the next row.
#pragma once

#include <numeric>

#include "kernels/tiles/register_tile.h"
#include "kernels/tiles/tile_place.h"

namespace kernels::inline KERNELS_COMPILER {

// Calls f(shape, place) for each tile of the rows first .. end.
template <class A, class F>
__device__ __forceinline__ void for_host_tiles(std::int64_t first, std::int64_t end, std::int64_t C, F f) {
  constexpr int L = host_vector_bytes / int(sizeof(A)), N = host_vector_bytes == 64 ? 8 : 4;
  std::int64_t length = std::lcm(C, std::int64_t(N) * L);  // of joined rows: whole tiles,
  if (length > 1024 && C % (N * L) > 0) length = std::lcm(C, std::int64_t(L));  // or whole registers
  const std::int64_t rows = (end - first) * C / length, rest = (end - first) * C - rows * length;
  std::int64_t at = 0;
  if (rows > 0) {
    for (; at + N * L <= length; at += N * L)
      f(TileShape<N, L>{}, TilePlace{first * C + at, length, rows, at % C});
    for (; at < length; at += L) f(TileShape<1, L>{}, TilePlace{first * C + at, length, rows, at % C});
  }
  if (rest > 0)  // the rows that are too few to be joined, element by element
    for (std::int64_t c = 0; c < C; ++c)
      f(TileShape<1, 1>{}, TilePlace{first * C + rows * length + c, C, rest / C, c});
}

// Calls f(channel, element, count) for each run of consecutive channels in a tile of n elements that begins
// at channel c.
template <class F>
__device__ __forceinline__ void for_runs(std::int64_t c, int n, std::int64_t C, F f) {
  for (int i = 0; i < n; c = 0) {
    const int count = int(C - c < n - i ? C - c : n - i);
    f(c, i, count);
    i += count;
  }
}

// The elements of `channels` (C) that belong to a tile that begins at channel c.
template <int N, int L, class T>
__device__ __forceinline__ Tile<acc_t<T>, N, L> load_wrapped(const T* channels, std::int64_t c,
                                                             std::int64_t C) {
  if (c + N * L <= C) return load_tile<N, L>(channels + c);
  T wrapped[N * L];
  for_runs(c, N * L, C, [&](std::int64_t c, int i, int count) {
    for (int k = 0; k < count; ++k) wrapped[i + k] = channels[c + k];
  });
  return load_tile<N, L>(wrapped);
}

// out[c] += the tile's sums of channel c; `out` was set to zero before.
template <int N, int L, class A>
__device__ __forceinline__ void add_up_host(const Tile<A, N, L>& tile, std::int64_t c, std::int64_t C,
                                            A* out) {
  A sums[N * L];
  UNROLL for (int i = 0; i < N; ++i) store_rounded<A, L>(sums + i * L, tile.v[i]);
  for_runs(c, N * L, C, [&](std::int64_t c, int i, int count) {
    for (int k = 0; k < count; ++k) out[c + k] += sums[i + k];
  });
}

}  // namespace kernels::inline KERNELS_COMPILER
