// The GPU's walk over the rows of an (R,C) array: a thread has one tile, a pack of V channels, and walks it
// down a slab of rows. Neighbouring threads take neighbouring packs; where a row has fewer packs than the
// block has threads, the block takes several rows at once.
#pragma once

#include "kernels/tiles/register_tile.h"
#include "kernels/tiles/tile_place.h"

namespace kernels::inline KERNELS_COMPILER {

// A thread's place in its block of NT threads: `lanes` threads side by side take a row, and `rows` rows are
// taken at once.
template <int NT, int V>
struct ThreadPlace {
  int lanes, rows, row;
  std::int64_t c;  // the first of the thread's V channels
  bool active;
  __device__ explicit ThreadPlace(std::int64_t C) {
    const std::int64_t packs = C / V;
    lanes = packs < NT ? int(packs) : NT;
    rows = NT / lanes;
    row = int(threadIdx.x) / lanes;
    c = (std::int64_t(blockIdx.y) * lanes + int(threadIdx.x) % lanes) * V;
    active = row < rows && c < C;
  }
};

// Calls f(shape, place) for the thread's tile of the rows first .. end.
template <int NT, int V, class F>
__device__ __forceinline__ void for_gpu_tile(std::int64_t first, std::int64_t end, std::int64_t C, F f) {
  const ThreadPlace<NT, V> place(C);
  const std::int64_t row = first + place.row;
  const std::int64_t rows = place.active && row < end ? (end - row + place.rows - 1) / place.rows : 0;
  const std::int64_t c = place.active ? place.c : 0;
  f(TileShape<V, 1>{}, TilePlace{row * C + c, place.rows * C, rows, c});
}

// out[c] = the sum over the block's tiles of channel c, for the block's channels. Every thread calls it.
template <int NT, int V, class A>
__device__ __forceinline__ void add_up_gpu(const Tile<A, V, 1>& tile, std::int64_t C, A* out) {
  // A channel's sum is made by one thread. A row of `shared` is 8 words longer than the block has threads, so
  // that the threads that read several rows of `shared` at once find them in different banks.
  const ThreadPlace<NT, V> place(C);
  SHARED(A, shared, [V][NT + 8]);
  __syncthreads();  // until then a thread may still read the sums of the call before
  for (int i = 0; i < V; ++i) shared[i][threadIdx.x] = tile.v[i];
  __syncthreads();
  for (int k = int(threadIdx.x); k < place.lanes * V; k += NT) {
    const int i = k / place.lanes, lane = k % place.lanes;
    const std::int64_t channel = (std::int64_t(blockIdx.y) * place.lanes + lane) * V + i;
    if (channel >= C) continue;
    A sum = shared[i][lane];
    for (int row = 1; row < place.rows; ++row) sum += shared[i][row * place.lanes + lane];
    out[channel] = sum;
  }
}

// Calls f(c) for the channels of this block's tiles.
template <int NT, int V, class F>
__device__ __forceinline__ void for_block_channels(std::int64_t C, F f) {
  const ThreadPlace<NT, V> place(C);
  const std::int64_t first = std::int64_t(blockIdx.y) * place.lanes * V;
  const std::int64_t end = first + place.lanes * V < C ? first + place.lanes * V : C;
  for (std::int64_t c = first + threadIdx.x; c < end; c += NT) f(c);
}

}  // namespace kernels::inline KERNELS_COMPILER
