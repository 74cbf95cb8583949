// Correct kernels with the constructs that the checking modes check: they must pass in every mode.
#pragma once

#include "kernels/tiles/reduce.h"

namespace kernels::planted {
namespace {

template <int NT>
__global__ void __launch_bounds__(NT) barriers_and_shuffles(const float* x, float* y) {
  SHARED(float, t, [NT]);
  t[threadIdx.x] = x[threadIdx.x % 128];
  __syncthreads();
  const float sum = block_sum<NT>(t[NT - 1 - threadIdx.x]), most = block_max<NT>(t[threadIdx.x]);
  y[blockIdx.x * NT + threadIdx.x] = sum + most + __shfl_down_sync(0xffffffffu, t[threadIdx.x], 3);
}

template <int NT>
__global__ void __launch_bounds__(NT) counting_barriers(float* y) {
  const int thread = static_cast<int>(threadIdx.x);
  const int thirds = __syncthreads_count(thread % 3 == 0);
  const int any = __syncthreads_or(thread == NT - 1), none = __syncthreads_or(thread == NT);
  const int all = __syncthreads_and(thread < NT), not_all = __syncthreads_and(thread < NT - 1);
  y[blockIdx.x * NT + threadIdx.x] =
      static_cast<float>(10000 * thirds + 1000 * any + 100 * none + 10 * all + not_all);
}

// The last block to take a ticket sums the values of the others.
__global__ void ticket(const float* x, float* y, unsigned* tickets) {
  constexpr int NT = 128;
  SHARED(bool, last, [1]);
  const float sum = block_sum<NT>(x[threadIdx.x] * static_cast<float>(blockIdx.x + 1));
  if (threadIdx.x == 0) {
    y[blockIdx.x] = sum;
    __threadfence();
    last[0] = atomicAdd(tickets, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last[0] || threadIdx.x != 0) return;
  __threadfence();
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) total += y[i];
  y[gridDim.x] = total;
}

// The last steps of a tree sum, as required since Volta.
__global__ void warp_barrier_sum(const float* x, float* y) {
  SHARED(float, t, [128]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (unsigned step = 64; step >= 32; step /= 2) {
    if (threadIdx.x < step) t[threadIdx.x] += t[threadIdx.x + step];
    __syncthreads();
  }
  if (threadIdx.x < 32)
    for (unsigned step = 16; step > 0; step /= 2) {
      const float other = threadIdx.x < step ? t[threadIdx.x + step] : 0.0f;
      __syncwarp();
      t[threadIdx.x] += other;
      __syncwarp();
    }
  __syncthreads();
  y[threadIdx.x] = t[0];
}

// Half a warp runs collectives of its own before both halves synchronize; then votes.
__global__ void half_warps(const float* x, float* y) {
  const unsigned lane = threadIdx.x % 32;
  float v = x[threadIdx.x];
  if (lane < 16) {
    for (int step = 8; step > 0; step /= 2) v += __shfl_xor_sync(0x0000ffffu, v, step, 16);
    __syncwarp(0x0000ffffu);
  }
  v += __shfl_xor_sync(0xffffffffu, v, 16);
  const unsigned positive = __ballot_sync(0xffffffffu, v > 0);
  const int any = __any_sync(0xffffffffu, lane == 31), all = __all_sync(0xffffffffu, lane < 31);
  y[threadIdx.x] = v + static_cast<float>(positive >> lane & 1u) + static_cast<float>(2 * any + 4 * all);
}

__global__ void histogram(const float* x, int* counts) {
  SHARED(int, local, [8]);
  if (threadIdx.x < 8) local[threadIdx.x] = 0;
  __syncthreads();
  atomicAdd(&local[static_cast<unsigned>(x[threadIdx.x] * 4.0f + 4.0f) % 8u], 1);
  __syncthreads();
  if (threadIdx.x < 8) atomicAdd(&counts[threadIdx.x], local[threadIdx.x]);
}

// An atomic read guards the atomic maximum.
__global__ void guarded_maximum(int* maximum) {
  const int v = static_cast<int>(threadIdx.x + blockIdx.x);
  if (atomicAdd(maximum, 0) < v) atomicMax(maximum, v);
}

// 32 x 32 tiles through dynamic shared memory, 4 rows of threads, two buffers with one barrier per step
__global__ void transpose_twice(const float* x, float* y) {
  SHARED_DYNAMIC(float, tiles);
  for (unsigned step = 0; step < 4; ++step) {
    float* tile = tiles + (step % 2) * 32 * 33;
    for (unsigned row = threadIdx.y; row < 32; row += blockDim.y)
      tile[row * 33 + threadIdx.x] = x[(row * 32 + threadIdx.x + step) % 128];
    __syncthreads();
    for (unsigned row = threadIdx.y; row < 32; row += blockDim.y)
      y[(blockIdx.x * 4 + step) * 1024 + row * 32 + threadIdx.x] = tile[threadIdx.x * 33 + row];
  }
}

template <int NT>
__global__ void __launch_bounds__(NT) grid_loop(std::int64_t n, const float* x, float* y) {
  for_each<NT>(n, [=](std::int64_t i) { y[i] = 2.0f * x[i % 128]; });
}

// Whole warps return where no barrier follows.
__global__ void early_return(const float* x, float* y) {
  const float sum = block_sum<128>(x[threadIdx.x]);
  if (threadIdx.x >= 32) return;
  const float first = warp_sum<32>(x[threadIdx.x]);
  y[blockIdx.x * 32 + threadIdx.x] = sum - first;
}

}  // namespace
}  // namespace kernels::planted
