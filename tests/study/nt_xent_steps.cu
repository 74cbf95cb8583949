#include "kernels/tiles/reduce.h"
#include "tests/study/nt_xent_steps.h"

namespace kernels::study {
namespace {

template <class A>
__device__ __forceinline__ A dot(std::int64_t d, const A* x, const A* y) {
  A sum = A(0);
  for (std::int64_t k = 0; k < d; ++k) sum += x[k] * y[k];
  return sum;
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    similarities_kernel(std::int64_t M, std::int64_t d, const A* z, A* matrix) {
  for_each<NT>(M * M, [=](std::int64_t e) { matrix[e] = dot(d, z + e / M * d, z + e % M * d); });
}

constexpr int strip_size = 32;  // columns of a row per iteration

// Columns j0 .. j0 + width of row i, each read or computed by the thread that uses it.
template <int NT, class A>
__device__ __forceinline__ void load_strip(const NtXentShape& s, std::int64_t i, std::int64_t j0, int width,
                                           const A* z, const A* matrix, A* strip) {
  for (int c = threadIdx.x; c < width; c += NT)
    strip[c] = matrix != nullptr ? matrix[i * s.columns + j0 + c] : dot(s.d, z + i * s.d, z + (j0 + c) * s.d);
}

__device__ __forceinline__ std::int64_t partner(const NtXentShape& s, std::int64_t i) {
  return i < s.rows / 2 ? i + s.rows / 2 : i - s.rows / 2;
}

template <int NT, class A>
__global__ void __launch_bounds__(NT) row_sums_kernel(NtXentShape s, std::int64_t part, const A* z,
                                                      const A* matrix, const A* tau, A* sum, A* top) {
  SHARED(A, strip, [strip_size]);
  const std::int64_t i = blockIdx.x, pair = partner(s, i), begin = blockIdx.y * part;
  const std::int64_t end = begin + part < s.columns ? begin + part : s.columns;
  const A a = A(1) / tau[0];
  A total = A(0);
  for (std::int64_t j = begin; j < end; j += strip_size) {
    const int width = int(end - j < strip_size ? end - j : strip_size);
    load_strip<NT>(s, i, j, width, z, matrix, strip);
    for (int c = threadIdx.x; c < width; c += NT)
      total += j + c == i || j + c == pair ? A(0) : exp(a * (strip[c] - A(1)));
  }
  total = warp_sum<NT>(total);
  if (threadIdx.x != 0) return;
  sum[blockIdx.y * s.rows + i] = total;
  top[blockIdx.y * s.rows + i] = A(1);
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    backward_kernel(NtXentShape s, std::int64_t part, const A* z, const A* matrix, const A* tau,
                    const A* weight, const A* pull, A* dz) {
  SHARED(A, strip, [strip_size]);
  const std::int64_t i = blockIdx.x, pair = partner(s, i), begin = blockIdx.y * part;
  const std::int64_t end = begin + part < s.columns ? begin + part : s.columns;
  const A a = A(1) / tau[0];
  dz += (blockIdx.y * s.rows + i) * s.d;
  for (std::int64_t k = threadIdx.x; k < s.d; k += NT) dz[k] = A(0);
  for (std::int64_t j = begin; j < end; j += strip_size) {
    const int width = int(end - j < strip_size ? end - j : strip_size);
    load_strip<NT>(s, i, j, width, z, matrix, strip);
    for (int c = threadIdx.x; c < width; c += NT) {
      const A g = exp(a * (strip[c] - A(1))) * (weight[i] + weight[j + c]);
      strip[c] = j + c == i ? A(0) : j + c == pair ? -(pull[i] + pull[pair]) : g;
    }
    __syncthreads();
    for (int c = 0; c < width; ++c)
      for (std::int64_t k = threadIdx.x; k < s.d; k += NT) dz[k] += strip[c] * z[(j + c) * s.d + k];
    __syncthreads();
  }
}

// One block per row and per part of the columns, as in the current kernels.
template <int NT>
Grid grid_of(const NtXentShape& s, const char* launcher = __builtin_FUNCTION()) {
  return {dim3(unsigned(s.rows), unsigned(similarity_splits(s))), dim3(NT), 0, launcher};
}

}  // namespace

template <class Stream, class T>
void similarities(Stream stream, const NtXentShape& s, const T* z, T* matrix) {
  constexpr int NT = threads<Stream>(256);
  launch<similarities_kernel<NT, T>>(stream, grid_for<NT>(s.columns * s.columns), s.columns, s.d, z, matrix);
}

template <class Stream, class T>
void row_sums(Stream stream, const NtXentShape& s, const T* z, const T* matrix, const T* tau, T* sum,
              T* top) {
  constexpr int NT = threads<Stream>(32);
  launch<row_sums_kernel<NT, T>>(stream, grid_of<NT>(s), s, similarity_part(s), z, matrix, tau, sum, top);
}

template <class Stream, class T>
void backward(Stream stream, const NtXentShape& s, const T* z, const T* matrix, const T* tau, const T* weight,
              const T* pull, T* dz) {
  constexpr int NT = threads<Stream>(32);
  launch<backward_kernel<NT, T>>(stream, grid_of<NT>(s), s, similarity_part(s), z, matrix, tau, weight, pull,
                                 dz);
}

INSTANTIATE(similarities)
INSTANTIATE(row_sums)
INSTANTIATE(backward)

}  // namespace kernels::study
