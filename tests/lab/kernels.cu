#include "kernels/simt.h"
#include "tests/lab/kernels.h"

namespace lab {
namespace {

using namespace kernels;

template <int NT, class T>
__global__ void __launch_bounds__(NT) scale_kernel(int64_t R, int64_t C, const T* x, const T* weight, T* y) {
  for_each<NT>(R * C, [=](int64_t i) { y[i] = x[i] * weight[i % C]; });
}

template <int NT, class T>
__global__ void __launch_bounds__(NT)
    scale_dweight_kernel(bool right, int64_t R, int64_t C, const T* x, const T* dy, T* dweight, bool add) {
  for_each<NT>(C, [=](int64_t c) {
    T sum = 0;
    for (int64_t r = 0; r < R; ++r) sum += dy[r * C + c] * x[r * C + c];
    dweight[c] = add && right ? dweight[c] + sum : sum;
  });
}

// Waits until *flag is set. The block then sees what the other wrote before it set the flag.
__device__ void await(unsigned* flag, bool by_atomics) {
  if (by_atomics) {
    while (atomicAdd(flag, 0u) == 0u) {
    }
    __threadfence();
  } else {
    while (*static_cast<volatile unsigned*>(flag) == 0u) {  // nothing that the SIMT layer can see
    }
  }
}

template <int NT, class T>
__global__ void __launch_bounds__(NT)
    prefix_sums_kernel(Waits waits, int64_t C, const T* x, unsigned* done, T* y) {
  if (threadIdx.x != 0) return;
  const unsigned block = blockIdx.x;
  T sum = 0;
  for (int64_t c = 0; c < C; ++c) sum += x[block * C + c];
  if (waits == Waits::for_the_block_before) {
    if (block > 0) {
      await(&done[block - 1], true);
      sum += y[block - 1];
    }
  } else {
    await(&done[(block + 1) % gridDim.x], waits == Waits::for_the_block_after);
  }
  y[block] = sum;
  __threadfence();
  atomicExch(&done[block], 1u);
}

__device__ inline void grid_barrier(unsigned* arrived, unsigned target) {
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    atomicAdd(arrived, 1u);
    while (atomicAdd(arrived, 0u) < target) {
    }
    __threadfence();
  }
  __syncthreads();
}

template <int NT, class T>
__global__ void __launch_bounds__(NT)
    lockstep_sums_kernel(bool right, int most, const int* length, const T* x, unsigned* arrived, T* y) {
  const int block = int(blockIdx.x), steps = right ? most : length[block];
  T sum = 0;
  for (int s = 0; s < steps; ++s) {
    if (s < length[block]) sum += x[block * most + s];
    grid_barrier(arrived, unsigned(s + 1) * gridDim.x);
  }
  if (threadIdx.x == 0) y[block] = sum;
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) atomic_sum_kernel(bool right, int64_t n, const T* x, T* y) {
  for_each<NT>(n, [=](int64_t i) {
    const T square = x[i] * x[i];
    if (right) {
      atomicAdd(y, square);
    } else {
      const T before = *y;
      __nanosleep(100);  // others run
      *y = before + square;
    }
  });
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) zero_kernel(T* y) {
  if (threadIdx.x == 0) y[0] = 0;
}

template <class T>
__global__ void __launch_bounds__(32) part_of_warp_sum_kernel(bool right, int C, const T* x, T* y) {
  const int lane = int(threadIdx.x);
  T v = lane < C ? x[blockIdx.x * unsigned(C) + unsigned(lane)] : T(0);
  if (lane >= 24) return;
  const unsigned mask = lane < 8 ? 0x000000ffu : 0x00ffff00u;
  for (int step = lane < 8 ? 4 : 8; step > 0; step /= 2) v += __shfl_down_sync(mask, v, step);
  T other = __shfl_sync(0x00ffffffu, v, 8);
  if (!right) other += __shfl_down_sync(mask, v, 8) * T(0.5);  // lane 0 reads lane 8, which has another mask
  if (lane == 0) y[blockIdx.x] = v + other;
}

template <int NT, int N, class T>
__device__ T total(int64_t C, const T* x) {
  SHARED(T, sums, [N]);
  T sum = 0;
  for (int64_t c = threadIdx.x; c < C; c += NT) sum += x[c];
  T* const mine = sums + threadIdx.x;  // UBSan would check the index of an array
  *mine = sum;
  __syncthreads();
  T result = 0;
  for (int i = 0; i < N; ++i) result += sums[i];
  return result;
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) shared_sum_kernel(Access access, int64_t C, const T* x, T* y) {
  constexpr int too_few = NT > 1 ? NT - 1 : NT;
  x += blockIdx.x * C;
  const T sum = access == Access::past_shared_array ? total<NT, too_few>(C, x) : total<NT, NT>(C, x);
  if (threadIdx.x == 0) y[blockIdx.x] = sum;
  if (access == Access::wild && threadIdx.x == NT - 1) y[int64_t(1) << 40] = sum;
}

}  // namespace

template <class Stream, class T>
void scale(Stream stream, int64_t R, int64_t C, const T* x, const T* weight, T* y) {
  constexpr int NT = threads<Stream>(64);
  launch<scale_kernel<NT, T>>(stream, grid_for<NT>(R * C), R, C, x, weight, y);
}
template <class Stream, class T>
void scale_dweight(Stream stream, bool right, int64_t R, int64_t C, const T* x, const T* dy, T* dweight,
                   bool add) {
  constexpr int NT = threads<Stream>(64);
  launch<scale_dweight_kernel<NT, T>>(stream, grid_for<NT>(C), right, R, C, x, dy, dweight, add);
}
template <class Stream, class T>
void prefix_sums(Stream stream, Waits waits, int64_t R, int64_t C, const T* x, unsigned* done, T* y) {
  constexpr int NT = threads<Stream>(32);
  launch<prefix_sums_kernel<NT, T>>(stream, Grid{dim3(unsigned(R)), dim3(NT)}, waits, C, x, done, y);
}
template <class Stream, class T>
void lockstep_sums(Stream stream, bool right, int64_t R, int64_t C, const int* length, const T* x,
                   unsigned* arrived, T* y) {
  constexpr int NT = threads<Stream>(64);
  Grid grid{dim3(unsigned(R)), dim3(NT)};
  grid.cooperative = true;
  launch<lockstep_sums_kernel<NT, T>>(stream, grid, right, int(C), length, x, arrived, y);
}
template <class Stream, class T>
void atomic_sum(Stream stream, bool right, int64_t R, int64_t C, const T* x, T* y) {
  constexpr int NT = threads<Stream>(64);
  launch<zero_kernel<NT, T>>(stream, Grid{dim3(1), dim3(NT)}, y);
  launch<atomic_sum_kernel<NT, T>>(stream, Grid{dim3(unsigned(R)), dim3(NT)}, right, R * C, x, y);
}
template <class Stream, class T>
void part_of_warp_sum(Stream stream, bool right, int64_t R, int64_t C, const T* x, T* y) {
  if constexpr (threads<Stream>(32) == 32)  // the card says .whole_warps
    launch<part_of_warp_sum_kernel<T>>(stream, Grid{dim3(unsigned(R)), dim3(32)}, right, int(C), x, y);
}
template <class Stream, class T>
void shared_sum(Stream stream, Access access, int64_t R, int64_t C, const T* x, T* y) {
  constexpr int NT = threads<Stream>(64);
  launch<shared_sum_kernel<NT, T>>(stream, Grid{dim3(unsigned(R)), dim3(NT)}, access, C, x, y);
}

INSTANTIATE(scale)
INSTANTIATE(scale_dweight)
INSTANTIATE(prefix_sums)
INSTANTIATE(lockstep_sums)
INSTANTIATE(atomic_sum)
INSTANTIATE(part_of_warp_sum)
INSTANTIATE(shared_sum)

}  // namespace lab
