// For kernels in which a warp takes a row. On the host one thread, which is the block, takes it.
#pragma once

#include "kernels/tiles/reduce.h"

namespace kernels::inline KERNELS_COMPILER {

// The threads that share a row, and the rows of a block of NT threads.
template <int NT>
constexpr int row_threads = NT == 1 ? 1 : 32;
template <int NT>
constexpr int block_rows = NT / row_threads<NT>;

template <int NT>
Grid warp_rows_grid(std::int64_t rows, const char* launcher = __builtin_FUNCTION()) {
  return {dim3(unsigned(ceil_div(rows, block_rows<NT>))), dim3(NT), 0, launcher};
}

// The row of this thread's warp, and its place in the warp.
template <int NT>
__device__ __forceinline__ std::int64_t warp_row() {
  return std::int64_t(blockIdx.x) * block_rows<NT> + threadIdx.x / row_threads<NT>;
}
template <int NT>
__device__ __forceinline__ int row_thread() {
  return int(threadIdx.x) % row_threads<NT>;
}

}  // namespace kernels::inline KERNELS_COMPILER
