// Planted memory bugs: accesses out of bounds, and reads of uninitialized memory. One block of 128 threads.
#pragma once

#include "kernels/simt.h"

namespace kernels::planted {
namespace {

__global__ void global_past_end(const float* x, float* y) { y[threadIdx.x + 1] = x[threadIdx.x]; }

__global__ void global_before_begin(const float* x, float* y) {
  y[static_cast<int>(threadIdx.x) - 1] = x[threadIdx.x];
}

__global__ void shared_past_end(const float* x, float* y) {
  SHARED(float, t, [128]);
  SHARED(float, u, [128]);
  u[threadIdx.x] = 0;
  __syncthreads();
  float* const p = t;  // hides the array from the compiler
  p[threadIdx.x + 1] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x] + u[threadIdx.x];
}

__global__ void shared_before_begin(const float* x, float* y) {
  SHARED(float, t, [128]);
  SHARED(float, u, [128]);
  t[threadIdx.x] = 0;
  __syncthreads();
  float* const p = u;
  p[static_cast<int>(threadIdx.x) - 1] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x] + u[threadIdx.x];
}

// 512 bytes of dynamic shared memory
__global__ void dynamic_past_end(const float* x, float* y) {
  SHARED_DYNAMIC(float, t);
  t[threadIdx.x + 1] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x];
}

// A tile's rows are one too long, as after a change of the padding: all rows but the last stay inside the
// array.
__global__ void tile_row_too_long(const float* x, float* y) {
  SHARED(float, tile, [4][32]);
  const unsigned row = threadIdx.x / 32, column = threadIdx.x % 32;
  tile[row][column + 1] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[row][column];
}

// The last two are never written.
__global__ void uninitialised_shared(const float* x, float* y) {
  SHARED(float, t, [130]);
  t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x + 2];
}

__global__ void uninitialised_dynamic(const float* x, float* y) {
  SHARED_DYNAMIC(float, t);
  if (threadIdx.x < 100) t[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = t[127 - threadIdx.x];
}

// An uninitialized integer used only in a condition: no NaN results.
__global__ void uninitialised_condition(float* y) {
  SHARED(int, t, [130]);
  t[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = t[threadIdx.x + 2] > 0 ? 1.0f : 2.0f;
}

}  // namespace
}  // namespace kernels::planted
