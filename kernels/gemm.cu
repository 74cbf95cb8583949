// Tiled matrix products: the reference for the vendors' GEMMs, and the GEMM for f64 and for builds without a
// vendor's library.
#include <type_traits>

#include "kernels/kernels.h"
#include "kernels/simt.h"
#include "kernels/tiles/tile_product.h"

namespace kernels {
namespace {

// An operand of the product. Its element is (k, w), where w counts along m for A and along n for B.
template <class T>
struct Operand {
  const T* data;
  std::int64_t ld, stride;    // distances of rows, and of the matrices of a batch
  std::int64_t k_contiguous;  // 1: (k, w) lies at data[w * ld + k], 0: at data[k * ld + w]
};

// tile[kk][ww] = operand(k0 + kk, w0 + ww), zero outside of k x w. Neighbouring threads read
// neighbouring elements.
template <int NT, int BK, int BW, class T, class A>
__device__ __forceinline__ void load_shared_operand(A (*tile)[BW], const Operand<T>& o, const T* data,
                                                    std::int64_t k0, std::int64_t w0, std::int64_t k,
                                                    std::int64_t w) {
  const int nk = int(k - k0 < BK ? k - k0 : BK), nw = int(w - w0 < BW ? w - w0 : BW);
  for (int e = threadIdx.x; e < BK * BW; e += NT) {
    const int kk = o.k_contiguous ? e % BK : e / BW, ww = o.k_contiguous ? e / BK : e % BW;
    A v = A(0);
    if (kk < nk && ww < nw)
      v = A(o.k_contiguous ? data[(w0 + ww) * o.ld + k0 + kk] : data[(k0 + kk) * o.ld + w0 + ww]);
    tile[kk][ww] = v;
  }
}

// The kernel of a block of many threads: the block computes a BM x BN tile of C from BK x BM and BK x BN
// tiles in shared memory, a thread TM x TN elements of it. A thread's rows are next to each other, its
// columns TX apart, so that neighbouring threads store neighbouring elements.
template <int NT, int BM, int BN, int BK, int TM, int TN, class TA, class TB, class TC>
__global__ void __launch_bounds__(NT)
    gemm_kernel(std::int64_t m, std::int64_t n, std::int64_t k, Operand<TA> a, Operand<TB> b, TC* c,
                std::int64_t ldc, std::int64_t stride_c, bool accumulate) {
  using A = acc_t<TC>;
  constexpr int TX = BN / TN;
  static_assert(BM / TM * TX == NT);
  SHARED(A, a_tile, [BK][BM]);
  SHARED(A, b_tile, [BK][BN]);
  const std::int64_t m0 = std::int64_t(blockIdx.x) * BM, n0 = std::int64_t(blockIdx.y) * BN;
  const TA* a_data = a.data + blockIdx.z * a.stride;
  const TB* b_data = b.data + blockIdx.z * b.stride;
  const int row = int(threadIdx.x) / TX * TM, column = int(threadIdx.x) % TX;
  A sum[TM][TN] = {};
  for (std::int64_t k0 = 0; k0 < k; k0 += BK) {
    load_shared_operand<NT, BK, BM>(a_tile, a, a_data, k0, m0, k, m);
    load_shared_operand<NT, BK, BN>(b_tile, b, b_data, k0, n0, k, n);
    __syncthreads();
    for (int kk = 0; kk < BK; ++kk)
      UNROLL for (int i = 0; i < TM; ++i) UNROLL for (int j = 0; j < TN; ++j) sum[i][j] +=
          a_tile[kk][row + i] * b_tile[kk][column + j * TX];
    __syncthreads();
  }
  TC* out = c + blockIdx.z * stride_c;
  UNROLL for (int i = 0; i < TM; ++i) {
    UNROLL for (int j = 0; j < TN; ++j) {
      if (m0 + row + i < m && n0 + column + j * TX < n) {
        TC& to = out[(m0 + row + i) * ldc + n0 + column + j * TX];
        to = TC(accumulate ? A(to) + sum[i][j] : sum[i][j]);
      }
    }
  }
}

// panels[p][kk][j] = operand(k0 + kk, n0 + p P + j), zero for columns past nw.
template <int BK, int P, class T, class A>
__device__ __forceinline__ void pack_panels(A (*panels)[BK][P], const Operand<T>& o, const T* data,
                                            std::int64_t k0, std::int64_t n0, int nk, int nw) {
  for (int first = 0; first < nw; first += P) {
    A(*panel)[P] = panels[first / P];
    const int count = nw - first < P ? nw - first : P;
    if (o.k_contiguous) {
      for (int j = 0; j < count; ++j) {
        const T* row = data + (n0 + first + j) * o.ld + k0;
        for (int kk = 0; kk < nk; ++kk) panel[kk][j] = A(row[kk]);
      }
      for (int kk = 0; kk < nk; ++kk)
        for (int j = count; j < P; ++j) panel[kk][j] = A(0);
    } else {
      for (int kk = 0; kk < nk; ++kk) {
        const T* row = data + (k0 + kk) * o.ld + n0 + first;
        for (int j = 0; j < count; ++j) panel[kk][j] = A(row[j]);
        for (int j = count; j < P; ++j) panel[kk][j] = A(0);
      }
    }
  }
}

// The kernel of a block of one thread: it packs BK rows of B into panels of P columns, and multiplies them
// with rows of A read from memory in place, since the product reads one element of A at a time. The tile of C
// stays in a buffer until its sums are complete.
template <int R, int L, int BM, int BN, int BK, class TA, class TB, class TC>
__global__ void gemm_host_kernel(std::int64_t m, std::int64_t n, std::int64_t k, Operand<TA> a, Operand<TB> b,
                                 TC* c, std::int64_t ldc, std::int64_t stride_c, bool accumulate) {
  using A = acc_t<TC>;
  constexpr int P = 2 * L;
  SHARED(A, panels, [BN / P][BK][P]);
  SHARED(A, tile, [BM][BN]);
  const std::int64_t m0 = std::int64_t(blockIdx.x) * BM, n0 = std::int64_t(blockIdx.y) * BN;
  const int rows = int(m - m0 < BM ? m - m0 : BM), columns = int(n - n0 < BN ? n - n0 : BN);
  const std::int64_t a_row = a.k_contiguous ? a.ld : 1, a_step = a.k_contiguous ? 1 : a.ld;
  const TA* a_data = a.data + blockIdx.z * a.stride + m0 * a_row;
  for (std::int64_t k0 = 0; k0 < k; k0 += BK) {
    const int nk = int(k - k0 < BK ? k - k0 : BK);
    pack_panels<BK, P>(panels, b, b.data + blockIdx.z * b.stride, k0, n0, nk, columns);
    for (int j = 0; j < columns; j += P)
      for (int i = 0; i < rows; i += R)
        multiply_rows<R, L, 2, P>(rows - i, TileRows<TA>{a_data + i * a_row + k0 * a_step, 0, a_row, a_step},
                                  panels[j / P][0], nk, nk, &tile[i][j], BN, k0 > 0);
  }
  TC* out = c + blockIdx.z * stride_c + m0 * ldc + n0;
  for (int i = 0; i < rows; ++i) {
    if (k == 0)
      for (int j = 0; j < columns; ++j) tile[i][j] = A(0);
    if (accumulate)
      for (int j = 0; j < columns; ++j) out[i * ldc + j] = TC(A(out[i * ldc + j]) + tile[i][j]);
    else
      for (int j = 0; j < columns; ++j) out[i * ldc + j] = TC(tile[i][j]);
  }
}

// out[c] (+)= sum over rows of x[row][c]. LANES threads side by side take CT neighbouring columns each. Each
// thread of a column takes every (NT / LANES)-th row; the threads' sums are added in order.
template <int NT, int LANES, int CT, class T>
__global__ void __launch_bounds__(NT)
    column_sum_kernel(std::int64_t rows, std::int64_t columns, const T* x, acc_t<T>* out, bool accumulate) {
  using A = acc_t<T>;
  constexpr int ROWS = NT / LANES;
  SHARED(A, partial, [ROWS][LANES * CT]);
  const int lane = int(threadIdx.x) % LANES, first = int(threadIdx.x) / LANES;
  const std::int64_t column = std::int64_t(blockIdx.x) * (LANES * CT) + lane * CT;
  const int count = int(columns - column < CT ? columns - column : CT);
  A sum[CT] = {};
  for (std::int64_t row = first; row < rows; row += ROWS)
    for (int i = 0; i < count; ++i) sum[i] += A(x[row * columns + column + i]);
  for (int i = 0; i < CT; ++i) partial[first][lane * CT + i] = sum[i];
  __syncthreads();
  if (first != 0) return;
  for (int i = 0; i < count; ++i) {
    A total = partial[0][lane * CT + i];
    for (int r = 1; r < ROWS; ++r) total += partial[r][lane * CT + i];
    out[column + i] = accumulate ? out[column + i] + total : total;
  }
}

}  // namespace

template <class Stream, class TA, class TB, class TC>
void gemm(Stream stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
          bool accumulate, std::int64_t batch, std::int64_t stride_a, std::int64_t stride_b,
          std::int64_t stride_c) {
  if (m == 0 || n == 0 || batch == 0) return;
  const Operand<TA> of_a{a, lda, stride_a, !transpose_a};
  const Operand<TB> of_b{b, ldb, stride_b, transpose_b};
  if constexpr (std::is_same_v<Stream, CpuStream>) {
    constexpr int L = lanes<CpuStream, acc_t<TC>>, BM = 384, BN = 4 * L, BK = 256;
    const Grid grid{dim3(unsigned(ceil_div(m, BM)), unsigned(ceil_div(n, BN)), unsigned(batch)), dim3(1)};
    launch<gemm_host_kernel<host_tile_rows, L, BM, BN, BK, TA, TB, TC>>(stream, grid, m, n, k, of_a, of_b, c,
                                                                        ldc, stride_c, accumulate);
  } else {
    constexpr int BM = 64, BN = 64, BK = 16;
    const Grid grid{dim3(unsigned(ceil_div(m, BM)), unsigned(ceil_div(n, BN)), unsigned(batch)), dim3(256)};
    launch<gemm_kernel<256, BM, BN, BK, 4, 4, TA, TB, TC>>(stream, grid, m, n, k, of_a, of_b, c, ldc,
                                                           stride_c, accumulate);
  }
}

template <class Stream, class T>
void column_sum(Stream stream, std::int64_t rows, std::int64_t columns, const T* x, acc_t<T>* out,
                bool accumulate) {
  constexpr int NT = threads<Stream>(256), LANES = choose<Stream>(32, 1), CT = choose<Stream>(1, 64);
  if (columns == 0) return;
  const Grid grid{dim3(unsigned(ceil_div(columns, LANES * CT))), dim3(NT)};
  launch<column_sum_kernel<NT, LANES, CT, T>>(stream, grid, rows, columns, x, out, accumulate);
}

#define INSTANTIATE_GEMM(S, TA, TB, TC)                                                                \
  template void gemm(S, bool, bool, std::int64_t, std::int64_t, std::int64_t, const TA*, std::int64_t, \
                     const TB*, std::int64_t, TC*, std::int64_t, bool, std::int64_t, std::int64_t,     \
                     std::int64_t, std::int64_t);
#define INSTANTIATE_GEMMS(S)                  \
  INSTANTIATE_GEMM(S, float, float, float)    \
  INSTANTIATE_GEMM(S, double, double, double) \
  INSTANTIATE_GEMM(S, bf16, float, bf16)      \
  INSTANTIATE_GEMM(S, bf16, float, float)     \
  INSTANTIATE_GEMM(S, bf16, bf16, float)
#ifdef __CUDACC__
INSTANTIATE_GEMMS(CudaStream)
#elif defined(KERNELS_CPU_STREAM)
INSTANTIATE_GEMMS(CpuStream)
#else
INSTANTIATE_GEMMS(SimtStream)
#endif
INSTANTIATE_WITH_BF16(column_sum)

}  // namespace kernels
