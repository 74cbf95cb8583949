// How a block walks the rows of an (R,C) array whose columns are channels: batch norm, bias, pooling.
//
// A thread's work is a register tile: a piece of a row, walked down a slab of rows, while sums and the
// channels' parameters stay in registers. rows_host.h has the walk of a block of one thread, rows_gpu.h that
// of a GPU's block; this file chooses by the number of threads.
#pragma once

#include "kernels/kernels.h"
#include "kernels/tiles/rows_gpu.h"
#include "kernels/tiles/rows_host.h"

namespace kernels::inline KERNELS_COMPILER {

// Calls f(shape, place) for this thread's tiles of the rows first .. end: one tile on the GPU, all tiles at
// one thread a block. V is the size of the GPU's packs, A the type of sums.
template <int NT, int V, class A, class F>
__device__ __forceinline__ void for_tiles(std::int64_t first, std::int64_t end, std::int64_t C, F f) {
  if constexpr (NT == 1)
    for_host_tiles<A>(first, end, C, f);
  else
    for_gpu_tile<NT, V>(first, end, C, f);
}

// The elements of `channels` (C) that belong to a tile that begins at channel c. Tiles of one register of one
// element do not wrap, nor do the GPU's, whose arrays choose_pack() found to begin at a multiple of 16 bytes.
template <int N, int L, class T>
__device__ __forceinline__ Tile<acc_t<T>, N, L> load_channels(const T* channels, std::int64_t c,
                                                              [[maybe_unused]] std::int64_t C) {
  if constexpr (L == 1)
    return load_tile<N, L>(channels + c);
  else
    return load_wrapped<N, L>(channels, c, C);
}

// Adds up the sums of the block's threads: out[c] = the sum over the block's tiles of channel c. At one
// thread a block `out` must have been set to zero. Every thread calls it.
template <int NT, int N, int L, class A>
__device__ __forceinline__ void add_up(const Tile<A, N, L>& tile, [[maybe_unused]] std::int64_t c,
                                       std::int64_t C, A* out) {
  if constexpr (NT == 1)
    add_up_host(tile, c, C, out);
  else
    add_up_gpu<NT>(tile, C, out);
}

// Calls f(c) for the channels of this block's tiles.
template <int NT, int V, class F>
__device__ __forceinline__ void for_own_channels(std::int64_t C, F f) {
  if constexpr (NT == 1)
    for (std::int64_t c = 0; c < C; ++c) f(c);
  else
    for_block_channels<NT, V>(C, f);
}

// The rows of a block that writes no sum of them. On the host a slab; on the GPU a multiple of a slab that
// gives 2,000 to 4,000 blocks where there are enough rows, which keeps every processor busy to the end.
template <int NT>
std::int64_t strip_height(std::int64_t R, std::int64_t C) {
  if (NT == 1) return slab_height(R, C);
  const std::int64_t least = slab_height(1, C), times = R / (least * 2048);
  return least * (times < 1 ? 1 : times);
}

// The grid of for_tiles: a slab of rows for each x, a group of channels for each y.
template <int NT>
Grid rows_grid(std::int64_t slabs, std::int64_t C, int V, const char* launcher = __builtin_FUNCTION()) {
  const std::int64_t groups = NT == 1 ? 1 : ceil_div(C / V, NT);
  return {dim3(unsigned(slabs), unsigned(groups)), dim3(NT), 0, launcher};
}

// The channels of a block that adds up or merges the partial results of slabs.
template <int NT>
constexpr int merged_channels = NT == 1 ? 64 : 16;

}  // namespace kernels::inline KERNELS_COMPILER
