// y = weight x / sqrt(mean(x^2) + eps), row by row: RMSNorm (Zhang and Sennrich, 2019, eq. 4).
#include "rms_norm.h"

namespace mine {
namespace {

using namespace kernels;

// The sum of `v` over the threads of a block, for each of them.
template <int NT, class A>
__device__ A block_total(A v) {
  SHARED(A, sums, [NT]);
  sums[threadIdx.x] = v;
  __syncthreads();
  for (int step = NT / 2; step > 0; step /= 2) {
    if (int(threadIdx.x) < step) sums[threadIdx.x] += sums[threadIdx.x + step];
    __syncthreads();
  }
  const A total = sums[0];
  __syncthreads();  // before the next call writes
  return total;
}

template <int NT, class A, class T>
__device__ A reciprocal_rms(std::int64_t C, const T* x) {
  A squares = 0;
  for (std::int64_t c = threadIdx.x; c < C; c += NT) squares += A(x[c]) * A(x[c]);
  return A(1) / sqrt(block_total<NT>(squares) / A(C) + A(kEpsilon));
}

// One block a row.
template <int NT, class T, class A>
__global__ void __launch_bounds__(NT) forward_kernel(std::int64_t C, const T* x, const A* weight, T* y) {
  x += blockIdx.x * C;
  y += blockIdx.x * C;
  const A r = reciprocal_rms<NT, A>(C, x);
  for (std::int64_t c = threadIdx.x; c < C; c += NT) y[c] = T(weight[c] * A(x[c]) * r);
}

// dx = r (weight dy - x r^2 mean(weight dy x)), one block a row
template <int NT, class T, class A>
__global__ void __launch_bounds__(NT)
    dx_kernel(std::int64_t C, const T* x, const A* weight, const T* dy, T* dx, bool accumulate) {
  x += blockIdx.x * C;
  dy += blockIdx.x * C;
  dx += blockIdx.x * C;
  const A r = reciprocal_rms<NT, A>(C, x);
  A dot = 0;
  for (std::int64_t c = threadIdx.x; c < C; c += NT) dot += weight[c] * A(dy[c]) * A(x[c]);
  const A mean = block_total<NT>(dot) / A(C);
  for (std::int64_t c = threadIdx.x; c < C; c += NT) {
    const A d = r * (weight[c] * A(dy[c]) - A(x[c]) * r * r * mean);
    dx[c] = T(accumulate ? A(dx[c]) + d : d);
  }
}

// dweight[c] = sum over rows of dy x r, one block a column, in a fixed order: no atomics, so always the same
// bits
template <int NT, class T, class A>
__global__ void __launch_bounds__(NT)
    dweight_kernel(std::int64_t R, std::int64_t C, const T* x, const T* dy, A* dweight, bool accumulate) {
  const std::int64_t column = blockIdx.x;
  A sum = 0;
  for (std::int64_t row = 0; row < R; ++row) {
    const A r = reciprocal_rms<NT, A>(C, x + row * C);
    sum += A(dy[row * C + column]) * A(x[row * C + column]) * r;
  }
  if (threadIdx.x == 0) dweight[column] = accumulate ? dweight[column] + sum : sum;
}

}  // namespace

template <class Stream, class T>
void rms_norm(Stream stream, std::int64_t R, std::int64_t C, const T* x, const acc_t<T>* weight, T* y) {
  constexpr int NT = threads<Stream>(64);
  launch<forward_kernel<NT, T, acc_t<T>>>(stream, Grid{dim3(unsigned(R)), dim3(NT)}, C, x, weight, y);
}

template <class Stream, class T>
void rms_norm_backward(Stream stream, std::int64_t R, std::int64_t C, const T* x, const acc_t<T>* weight,
                       const T* dy, T* dx, bool add_dx, acc_t<T>* dweight, bool add_dweight) {
  constexpr int NT = threads<Stream>(64);
  launch<dx_kernel<NT, T, acc_t<T>>>(stream, Grid{dim3(unsigned(R)), dim3(NT)}, C, x, weight, dy, dx, add_dx);
  launch<dweight_kernel<NT, T, acc_t<T>>>(stream, Grid{dim3(unsigned(C)), dim3(NT)}, R, C, x, dy, dweight,
                                          add_dweight);
}

INSTANTIATE_WITH_BF16(rms_norm)
INSTANTIATE_WITH_BF16(rms_norm_backward)

}  // namespace mine
