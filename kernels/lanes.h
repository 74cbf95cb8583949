// Work on rows: a warp a row on the GPU, the whole block (one thread) on the host. And sums over a block.
#pragma once

#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {

// Threads that share a row, and rows of a block of NT threads.
template <int NT>
constexpr int lanes = NT == 1 ? 1 : 32;
template <int NT>
constexpr int block_rows = NT / lanes<NT>;

template <int NT>
Grid lanes_grid(std::int64_t rows, const char* launcher = __builtin_FUNCTION()) {
  return {dim3(unsigned(ceil_div(rows, block_rows<NT>))), dim3(NT), 0, launcher};
}

// The row of this thread's warp, and its place in the warp.
template <int NT>
__device__ __forceinline__ std::int64_t lanes_row() {
  return std::int64_t(blockIdx.x) * block_rows<NT> + threadIdx.x / lanes<NT>;
}
template <int NT>
__device__ __forceinline__ int lane() {
  return int(threadIdx.x) % lanes<NT>;
}

// The sum over the lanes of a row, the same in each. All of them must call it.
template <int NT, class A>
__device__ __forceinline__ A lane_sum(A v) {
  if constexpr (NT > 1)
    for (int mask = 16; mask > 0; mask /= 2) v += __shfl_xor_sync(0xffffffffu, v, mask);
  return v;
}
template <int NT, class A>
__device__ __forceinline__ A lane_max(A v) {
  if constexpr (NT > 1)
    for (int mask = 16; mask > 0; mask /= 2) {
      const A other = __shfl_xor_sync(0xffffffffu, v, mask);
      v = v > other ? v : other;
    }
  return v;
}

// The sum over the block, in thread 0. All threads must call it.
template <int NT, class A>
__device__ __forceinline__ A block_sum(A v) {
  if constexpr (NT > 1) {
    SHARED(A, partial, [NT / 32]);
    v = lane_sum<NT>(v);
    __syncthreads();  // partial may still be read by an earlier call
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
    __syncthreads();
    v = partial[0];
    for (int warp = 1; warp < NT / 32; ++warp) v += partial[warp];
  }
  return v;
}

}  // namespace kernels::inline KERNELS_COMPILER
