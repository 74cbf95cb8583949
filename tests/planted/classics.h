// The textbook kernels of CUDA, rewritten from their descriptions: reductions (Harris, "Optimizing Parallel
// Reduction in CUDA"), scans (Hillis and Steele, 1986; Blelloch, 1990), transpose, histogram and softmax;
// each in correct versions and with typical mistakes.
#pragma once

#include "kernels/simt.h"

namespace kernels::planted {
namespace {

// ---- sum of 128, block by block -----------------------------------------------------------------

// Sums neighbours first. `Barrier`: before the next step reads the results of this step.
template <bool Barrier>
__global__ void sum_interleaved(const float* x, float* y) {
  SHARED(float, t, [128]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (unsigned step = 1; step < 128; step *= 2) {
    if (threadIdx.x % (2 * step) == 0) t[threadIdx.x] += t[threadIdx.x + step];
    if (Barrier) __syncthreads();
  }
  __syncthreads();
  y[blockIdx.x * 128 + threadIdx.x] = t[0];
}

// Active threads are contiguous: bank conflicts, but correct.
__global__ void sum_strided(const float* x, float* y) {
  SHARED(float, t, [128]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (unsigned step = 1; step < 128; step *= 2) {
    const unsigned i = 2 * step * threadIdx.x;
    if (i < 128) t[i] += t[i + step];
    __syncthreads();
  }
  y[blockIdx.x * 128 + threadIdx.x] = t[0];
}

// Sums halves; each thread first adds two loads.
__global__ void sum_sequential(const float* x, float* y) {
  SHARED(float, t, [64]);
  if (threadIdx.x < 64) t[threadIdx.x] = x[threadIdx.x] + x[threadIdx.x + 64];
  __syncthreads();
  for (unsigned step = 32; step > 0; step /= 2) {
    if (threadIdx.x < step) t[threadIdx.x] += t[threadIdx.x + step];
    __syncthreads();
  }
  y[blockIdx.x * 128 + threadIdx.x] = t[0];
}

// Each warp sums by shuffles, then the first warp sums the warps' results. `Mask`: the lanes of that second
// step.
template <unsigned Mask>
__global__ void sum_shuffled(const float* x, float* y) {
  SHARED(float, of_warp, [4]);
  float v = x[threadIdx.x];
  for (int step = 16; step > 0; step /= 2) v += __shfl_down_sync(0xffffffffu, v, step);
  if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x < 4) {
    v = of_warp[threadIdx.x];
    for (int step = 2; step > 0; step /= 2) v += __shfl_down_sync(Mask, v, step, 4);
    if (threadIdx.x == 0) y[blockIdx.x] = v;
  }
  __syncthreads();  // a mask may name lanes that have returned; these lanes wait here instead
}

// ---- inclusive scan ------------------------------------------------------------------------------

// In-place without a barrier: another thread's element may be read before or after it is written.
__global__ void scan_in_place(const float* x, float* y) {
  SHARED(float, t, [128]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (unsigned step = 1; step < 128; step *= 2) {
    if (threadIdx.x >= step) t[threadIdx.x] += t[threadIdx.x - step];
    __syncthreads();
  }
  y[blockIdx.x * 128 + threadIdx.x] = t[threadIdx.x];
}

// In-place with a barrier between reading and writing.
__global__ void scan_two_barriers(const float* x, float* y) {
  SHARED(float, t, [128]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (unsigned step = 1; step < 128; step *= 2) {
    const float other = threadIdx.x >= step ? t[threadIdx.x - step] : 0.0f;
    __syncthreads();
    t[threadIdx.x] += other;
    __syncthreads();
  }
  y[blockIdx.x * 128 + threadIdx.x] = t[threadIdx.x];
}

// Two buffers, one barrier per step.
__global__ void scan_two_buffers(const float* x, float* y) {
  SHARED(float, t, [2][128]);
  t[0][threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  unsigned now = 0;
  for (unsigned step = 1; step < 128; step *= 2, now = 1 - now) {
    t[1 - now][threadIdx.x] = t[now][threadIdx.x] + (threadIdx.x >= step ? t[now][threadIdx.x - step] : 0.0f);
    __syncthreads();
  }
  y[blockIdx.x * 128 + threadIdx.x] = t[now][threadIdx.x];
}

// Exclusive scan: up and down a tree. `Barrier`: between the two.
template <bool Barrier>
__global__ void scan_tree(const float* x, float* y) {
  SHARED(float, t, [128]);
  t[threadIdx.x] = x[threadIdx.x];
  for (unsigned step = 1; step < 128; step *= 2) {
    __syncthreads();
    const unsigned i = (threadIdx.x + 1) * 2 * step - 1;
    if (i < 128) t[i] += t[i - step];
  }
  if (Barrier) __syncthreads();
  if (threadIdx.x == 127) t[127] = 0;  // thread 0 has just written this element
  for (unsigned step = 64; step > 0; step /= 2) {
    __syncthreads();
    const unsigned i = (threadIdx.x + 1) * 2 * step - 1;
    if (i < 128) {
      const float left = t[i - step];
      t[i - step] = t[i];
      t[i] += left;
    }
  }
  __syncthreads();
  y[blockIdx.x * 128 + threadIdx.x] = t[threadIdx.x];
}

// ---- histogram, transpose, softmax ---------------------------------------------------------------

__device__ inline unsigned bin_of(float v) { return static_cast<unsigned>(v * 4.0f + 4.0f) % 8u; }

// Adds directly to the result with atomics.
__global__ void histogram_global(const float* x, int* counts) {
  atomicAdd(&counts[bin_of(x[threadIdx.x])], 1);
}

// Adds directly to the result without atomics.
__global__ void histogram_lost_updates(const float* x, int* counts) { ++counts[bin_of(x[threadIdx.x])]; }

// Counting begins before all bins are zero.
__global__ void histogram_early(const float* x, int* counts) {
  SHARED(int, local, [8]);
  if (threadIdx.x < 8) local[threadIdx.x] = 0;
  atomicAdd(&local[bin_of(x[threadIdx.x])], 1);
  __syncthreads();
  if (threadIdx.x < 8) atomicAdd(&counts[threadIdx.x], local[threadIdx.x]);
}

// 8 x 16 through shared memory.
template <bool Barrier>
__global__ void transpose_tile(const float* x, float* y) {
  SHARED(float, tile, [8][17]);
  tile[threadIdx.x / 16][threadIdx.x % 16] = x[threadIdx.x];
  if (Barrier) __syncthreads();
  y[blockIdx.x * 128 + threadIdx.x] = tile[threadIdx.x % 8][threadIdx.x / 8];
}

// Maximum and sum share one array. `Barrier`: between reading the maximum and writing the sum.
template <bool Barrier>
__global__ void softmax_row(const float* x, float* y) {
  SHARED(float, t, [128]);
  const auto reduce = [&](float v, auto op) {
    t[threadIdx.x] = v;
    __syncthreads();
    for (unsigned step = 64; step > 0; step /= 2) {
      if (threadIdx.x < step) t[threadIdx.x] = op(t[threadIdx.x], t[threadIdx.x + step]);
      __syncthreads();
    }
    const float all = t[0];
    if (Barrier) __syncthreads();
    return all;
  };
  const float largest = reduce(x[threadIdx.x], [](float a, float b) { return a > b ? a : b; });
  const float e = exp(x[threadIdx.x] - largest);
  const float sum = reduce(e, [](float a, float b) { return a + b; });
  y[blockIdx.x * 128 + threadIdx.x] = e / sum;
}

// The last block sums the values of all threads of all blocks; each thread has its own fence. `Barrier`: the
// block takes its ticket only after all its threads have written.
template <bool Barrier>
__global__ void ticket_for_all(const float* x, float* y, unsigned* tickets) {
  constexpr int NT = 128;
  SHARED(bool, last, [1]);
  y[blockIdx.x * NT + threadIdx.x] = x[threadIdx.x];
  __threadfence();
  if (Barrier) __syncthreads();
  if (threadIdx.x == 0) last[0] = atomicAdd(tickets, 1u) == gridDim.x - 1;
  __syncthreads();
  if (!last[0]) return;
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) total += y[i * NT + threadIdx.x];
  y[threadIdx.x] = total;
}

// Each block writes y[0] under a lock. `Release`: a fence makes the write visible before the lock is
// released. `Acquire`: a fence after taking the lock lets the block see the writes of earlier holders. Both
// are needed.
template <bool Release, bool Acquire>
__global__ void under_lock(const float* x, float* y, unsigned* lock) {
  const unsigned i = blockIdx.x * 128 + threadIdx.x;
  if (i > 0) y[i] = x[threadIdx.x];
  if (threadIdx.x > 0) return;
  while (atomicCAS(lock, 0u, 1u) != 0) continue;
  if (Acquire) __threadfence();
  y[0] = x[0];
  if (Release) __threadfence();
  atomicExch(lock, 0u);
}

// As ticket_for_all, with one thread a block, which needs a fence of its own before it reads: no barrier does
// it. `Fence`: it has one.
template <bool Fence>
__global__ void ticket_for_one(const float* x, float* y, unsigned* tickets) {
  if (threadIdx.x > 0) return;
  y[blockIdx.x] = x[blockIdx.x];
  __threadfence();
  if (atomicAdd(tickets, 1u) != gridDim.x - 1) return;
  if (Fence) __threadfence();
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) total += y[i];
  y[gridDim.x] = total;
}

// Each block passes a sum on to the next one. `Fence`: the one that waits for the flag has a fence after it.
template <bool Fence>
__global__ void sum_passed_on(const float* x, float* y, unsigned* turn) {
  if (threadIdx.x > 0) return;
  while (atomicAdd(turn, 0u) != blockIdx.x) continue;
  if (Fence) __threadfence();
  y[blockIdx.x] = x[blockIdx.x] + (blockIdx.x > 0 ? y[blockIdx.x - 1] : 0.0f);
  __threadfence();
  atomicExch(turn, blockIdx.x + 1);
}

}  // namespace
}  // namespace kernels::planted
