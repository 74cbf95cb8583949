// Sums and maxima over the threads of a warp or a block, in a fixed order, returned to every thread. NT, the
// block's number of threads, is 1 (then they return v) or a multiple of 32. All threads must call them.
#pragma once

#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {
namespace {

struct Sum {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Max {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return max(a, b);
  }
};

// Combines lane i with lane i ^ 16, then with i ^ 8, ..., so that each lane does the same additions.
template <int NT, class Op, class T>
__device__ __forceinline__ T warp_reduce(Op op, T v) {
  static_assert(NT == 1 || NT % 32 == 0, "whole warps");
  if constexpr (NT > 1) {
    UNROLL
    for (int step = 16; step > 0; step /= 2) v = op(v, __shfl_xor_sync(0xffffffffu, v, step));
  }
  return v;
}

// Each thread combines the warps' results by itself, in the order of the warps.
template <int NT, class Op, class T>
__device__ __forceinline__ T block_reduce(Op op, T v) {
  v = warp_reduce<NT>(op, v);
  if constexpr (NT > 32) {
    SHARED(T, of_warp, [NT / 32]);
    const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    __syncthreads();  // until then a thread may still read the last call's results
    if (thread % 32 == 0) of_warp[thread / 32] = v;
    __syncthreads();
    v = of_warp[0];
    UNROLL
    for (int w = 1; w < NT / 32; ++w) v = op(v, of_warp[w]);
  }
  return v;
}

template <int NT, class T>
__device__ __forceinline__ T warp_sum(T v) {
  return warp_reduce<NT>(Sum(), v);
}
template <int NT, class T>
__device__ __forceinline__ T warp_max(T v) {
  return warp_reduce<NT>(Max(), v);
}
template <int NT, class T>
__device__ __forceinline__ T block_sum(T v) {
  return block_reduce<NT>(Sum(), v);
}
template <int NT, class T>
__device__ __forceinline__ T block_max(T v) {
  return block_reduce<NT>(Max(), v);
}

}  // namespace
}  // namespace kernels::inline KERNELS_COMPILER
