// Planted synchronisation bugs: divergent barriers, and missing barriers. One kernel per bug; one block of
// 128 threads unless stated otherwise.
#pragma once

#include "kernels/tiles/reduce.h"

namespace kernels::planted {
namespace {

constexpr int NT = 128;

// ---- divergent barriers and shuffles --------------------------------------------------------------

__global__ void exit_before_barrier(const float* x, float* y) {
  SHARED(float, t, [NT]);
  if (threadIdx.x >= 100) return;
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = t[99 - threadIdx.x];
}

__global__ void two_barriers(float* y) {
  if (threadIdx.x < 64) {
    y[threadIdx.x] = 1;
    __syncthreads();
  } else {
    y[threadIdx.x] = 2;
    __syncthreads();
  }
}

__global__ void barrier_on_one_side(const float* x, float* y) {
  SHARED(float, t, [NT]);
  t[threadIdx.x] = x[threadIdx.x];
  if (threadIdx.x < 64) __syncthreads();
  y[threadIdx.x] = t[127 - threadIdx.x];
}

// Rows are divided unevenly among threads, and the barrier is inside the loop over rows.
__global__ void barrier_in_uneven_loop(const float* x, float* y) {
  SHARED(float, t, [NT]);
  for (unsigned row = threadIdx.x / 32; row < 6; row += 4) {
    t[threadIdx.x] = x[threadIdx.x] + static_cast<float>(row);
    __syncthreads();
    y[threadIdx.x] += t[127 - threadIdx.x];
    __syncthreads();
  }
}

__global__ void shuffle_in_divergent_code(const float* x, float* y) {
  float v = x[threadIdx.x];
  if (threadIdx.x & 1) v += __shfl_xor_sync(0xffffffffu, v, 1);
  y[threadIdx.x] = v;
}

__global__ void shuffle_from_lane_outside_mask(const float* x, float* y) {
  float v = x[threadIdx.x];
  if (threadIdx.x & 1) v += __shfl_xor_sync(0xaaaaaaaau, v, 1);
  y[threadIdx.x] = v;
}

__global__ void lane_not_in_its_mask(const float* x, float* y) {
  y[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, x[threadIdx.x], 1);
}

__global__ void two_warp_barriers(float* y) {
  if (threadIdx.x % 32 < 16) {
    __syncwarp();
  } else {
    y[threadIdx.x] = 1;
    __syncwarp();
  }
}

// ---- races within a block --------------------------------------------------------------------------

__global__ void missing_barrier_before_read(const float* x, float* y) {
  SHARED(float, t, [NT]);
  t[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = t[127 - threadIdx.x];
}

__global__ void missing_barrier_before_write(const float* x, float* y) {
  SHARED(float, t, [NT]);
  float sum = 0;
  for (int k = 0; k < 3; ++k) {
    t[threadIdx.x] = x[threadIdx.x] + static_cast<float>(k);
    __syncthreads();
    sum += t[(threadIdx.x + 1) % NT];
  }
  y[threadIdx.x] = sum;
}

// The last steps of a tree sum, as was common before Volta.
__global__ void warp_synchronous_sum(const float* x, float* y) {
  SHARED(float, t, [NT]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  if (threadIdx.x < 32)
    for (int step = 16; step > 0; step /= 2) t[threadIdx.x] += t[threadIdx.x + step];
  __syncthreads();
  y[threadIdx.x] = t[0];
}

__global__ void warp_barrier_across_warps(const float* x, float* y) {
  SHARED(float, t, [NT]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  y[threadIdx.x] = t[127 - threadIdx.x];
}

// A block sum without the barrier that protects the result of the previous call.
__device__ __forceinline__ float unprotected_block_sum(float v) {
  SHARED(float, of_warp, [NT / 32]);
  v = warp_sum<NT>(v);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = v;
  __syncthreads();
  return of_warp[0] + of_warp[1] + of_warp[2] + of_warp[3];
}
__global__ void block_sum_called_twice(const float* x, float* y) {
  const float sum = unprotected_block_sum(x[threadIdx.x]);
  y[threadIdx.x] = unprotected_block_sum(x[threadIdx.x] * sum);
}

__global__ void add_without_atomics(const float* x, float* y) { y[threadIdx.x % 8] += x[threadIdx.x]; }

__global__ void last_writer_wins(const float* x, float* y) { y[threadIdx.x % 8] = x[threadIdx.x]; }

// Harmless in practice, undefined by the standard.
__global__ void all_write_one_value(const float* x, float* y) {
  SHARED(float, t, [1]);
  t[0] = x[0];
  __syncthreads();
  y[threadIdx.x] = t[0];
}

__global__ void read_guards_atomic(int* maximum) {
  const int v = static_cast<int>(threadIdx.x);
  if (*maximum < v) atomicMax(maximum, v);
}

// Correct, but not reproducible: dyad allows no floating-point atomics.
__global__ void atomic_float_sum(const float* x, float* y) { atomicAdd(y, x[threadIdx.x]); }

// Each thread owns an element; the first `pairs` threads read that of their neighbour. For few elements.
__global__ void racing_pairs(float* y, unsigned pairs) {
  const float next = threadIdx.x < pairs ? y[threadIdx.x + 1] : 0.0f;
  y[threadIdx.x] += 1.0f + next;
}

// ---- races between blocks --------------------------------------------------------------------------

__global__ void blocks_store(float* y) { y[threadIdx.x] = static_cast<float>(blockIdx.x); }

__global__ void blocks_add(const float* x, float* y) {
  if (threadIdx.x == 0) y[0] += x[blockIdx.x];
}

// The most common race: the first thread of each block adds to one sum. For any number of threads.
__global__ void blocks_add_after_barrier(float* y) {
  __syncthreads();
  if (threadIdx.x == 0) y[0] += 1;
}

__global__ void blocks_store_between_barriers(const float* x, float* y) {
  const float sum = block_sum<NT>(x[threadIdx.x]);
  y[threadIdx.x] = sum * static_cast<float>(blockIdx.x);
  block_sum<NT>(sum);
}

// The last block reads a value of the block `distance` before it: written by the same thread, by another
// thread, and by another thread between barriers.
__global__ void read_block(float* y, unsigned distance) {
  y[blockIdx.x * NT + threadIdx.x] = 1;
  if (blockIdx.x + 1 == gridDim.x && y[(blockIdx.x - distance) * NT + threadIdx.x] == -1) y[0] = 2;
}
__global__ void read_block_other_thread(float* y, unsigned distance) {
  y[blockIdx.x * NT + threadIdx.x] = 1;
  if (blockIdx.x + 1 == gridDim.x && y[(blockIdx.x - distance) * NT + (threadIdx.x + 1) % NT] == -1) y[0] = 2;
}
__global__ void read_block_between_barriers(float* y, unsigned distance) {
  float v = block_sum<NT>(static_cast<float>(threadIdx.x));
  y[blockIdx.x * NT + threadIdx.x] = v;
  v = block_sum<NT>(v);
  if (blockIdx.x + 1 == gridDim.x) v = y[(blockIdx.x - distance) * NT + (threadIdx.x + 1) % NT];
  if (block_sum<NT>(v) == -1) y[0] = 2;
}

__global__ void first_and_last_block_add(float* y) {
  const float sum = block_sum<NT>(1.0f);
  if ((blockIdx.x == 0 || blockIdx.x + 1 == gridDim.x) && threadIdx.x == 5) y[0] += sum;
}

// The last block to take a ticket sums the values of the others, but no fence makes them visible to it.
__global__ void ticket_without_fence(const float* x, float* y, unsigned* ticket) {
  SHARED(bool, last, [1]);
  const float sum = block_sum<NT>(x[threadIdx.x]);
  if (threadIdx.x == 0) {
    y[blockIdx.x] = sum;
    last[0] = atomicAdd(ticket, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!last[0] || threadIdx.x != 0) return;
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) total += y[i];
  y[gridDim.x] = total;
}

// Fences have no effect without an atomic that establishes the order.
__global__ void add_between_fences(float* y) {
  if (threadIdx.x != 0) return;
  __threadfence();
  y[0] += 1;
  __threadfence();
}

}  // namespace
}  // namespace kernels::planted
