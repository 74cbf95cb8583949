// Matrix products on tiles: the reference for every vendor GEMM, and the GEMM of f64 and of builds without
// one.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

// Vector registers of the host hold this many bytes; the register tile of one thread a block is sized by it.
#if defined(__AVX512F__)
constexpr int vector_bytes = 64, tile_rows = 8;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, tile_rows = 6;
#else
constexpr int vector_bytes = 16, tile_rows = 6;
#endif

// A strip of a matrix operand: element (k, w), where w counts along m for A and along n for B.
template <class T>
struct Operand {
  const T* data;
  std::int64_t ld, stride;  // of rows, and of the matrices of a batch
  bool k_contiguous;        // (k, w) lies at data[w * ld + k], else at data[k * ld + w]
};

// tile[kk][ww] = operand(k0 + kk, w0 + ww), zero outside of k x w. Neighbouring threads read neighbours.
template <int NT, int BK, int BW, class T, class A>
__device__ __forceinline__ void load_tile(A (*tile)[BW], const Operand<T>& o, const T* data, std::int64_t k0,
                                          std::int64_t w0, std::int64_t k, std::int64_t w) {
  const int nk = int(k - k0 < BK ? k - k0 : BK), nw = int(w - w0 < BW ? w - w0 : BW);
  if constexpr (NT == 1) {
    if (o.k_contiguous) {
      for (int ww = 0; ww < nw; ++ww) {
        const T* row = data + (w0 + ww) * o.ld + k0;
        for (int kk = 0; kk < nk; ++kk) tile[kk][ww] = A(row[kk]);
      }
    } else {
      for (int kk = 0; kk < nk; ++kk) {
        const T* row = data + (k0 + kk) * o.ld + w0;
        for (int ww = 0; ww < nw; ++ww) tile[kk][ww] = A(row[ww]);
      }
    }
    for (int kk = 0; kk < nk; ++kk)
      for (int ww = nw; ww < BW; ++ww) tile[kk][ww] = A(0);
  } else {
    for (int e = threadIdx.x; e < BK * BW; e += NT) {
      const int kk = o.k_contiguous ? e % BK : e / BW, ww = o.k_contiguous ? e / BK : e % BW;
      A v = A(0);
      if (kk < nk && ww < nw)
        v = A(o.k_contiguous ? data[(w0 + ww) * o.ld + k0 + kk] : data[(k0 + kk) * o.ld + w0 + ww]);
      tile[kk][ww] = v;
    }
  }
}

// acc[i][j] += sum over k of a[k][i] b[k][j * Step]: the register tile of one thread.
template <int TM, int TN, int Step, int BM, int BN, class A>
__device__ __forceinline__ void multiply(int nk, const A (*a)[BM], const A (*b)[BN], int row, int column,
                                         A (*acc)[TN]) {
  A c[TM][TN];
  UNROLL for (int i = 0; i < TM; ++i) for (int j = 0; j < TN; ++j) c[i][j] = acc[i][j];
  for (int k = 0; k < nk; ++k) {
    UNROLL for (int i = 0; i < TM; ++i) {
      const A x = a[k][row + i];
      for (int j = 0; j < TN; ++j) c[i][j] += x * b[k][column + j * Step];
    }
  }
  UNROLL for (int i = 0; i < TM; ++i) for (int j = 0; j < TN; ++j) acc[i][j] = c[i][j];
}

// One block makes a BM x BN tile of C. A thread makes TM x TN elements of it: rows next to each other,
// columns TX apart, so that neighbouring threads store neighbours. One thread a block makes all register
// tiles.
template <int NT, int BM, int BN, int BK, int TM, int TN, class TA, class TB, class TC>
__global__ void __launch_bounds__(NT)
    gemm_kernel(std::int64_t m, std::int64_t n, std::int64_t k, Operand<TA> a, Operand<TB> b, TC* c,
                std::int64_t ldc, std::int64_t stride_c, bool accumulate) {
  using A = acc_t<TC>;
  constexpr int TX = NT == 1 ? 1 : BN / TN, across = BN / TN, tiles = BM / TM * across, each = tiles / NT;
  static_assert(NT == 1 || tiles == NT);
  SHARED(A, a_tile, [BK][BM]);
  SHARED(A, b_tile, [BK][BN]);
  const std::int64_t m0 = std::int64_t(blockIdx.x) * BM, n0 = std::int64_t(blockIdx.y) * BN;
  const TA* a_data = a.data + blockIdx.z * a.stride;
  const TB* b_data = b.data + blockIdx.z * b.stride;
  A acc[each][TM][TN] = {};
  for (std::int64_t k0 = 0; k0 < k; k0 += BK) {
    load_tile<NT, BK, BM>(a_tile, a, a_data, k0, m0, k, m);
    load_tile<NT, BK, BN>(b_tile, b, b_data, k0, n0, k, n);
    __syncthreads();
    const int nk = int(k - k0 < BK ? k - k0 : BK);
    for (int t = 0; t < each; ++t) {
      const int tile = t * NT + int(threadIdx.x);
      multiply<TM, TN, TX, BM, BN, A>(nk, a_tile, b_tile, tile / across * TM,
                                      tile % across * (NT == 1 ? TN : 1), acc[t]);
    }
    __syncthreads();
  }
  TC* out = c + blockIdx.z * stride_c;
  for (int t = 0; t < each; ++t) {
    const int tile = t * NT + int(threadIdx.x);
    const std::int64_t row = m0 + tile / across * TM, column = n0 + tile % across * (NT == 1 ? TN : 1);
    UNROLL for (int i = 0; i < TM; ++i) {
      UNROLL for (int j = 0; j < TN; ++j) {
        if (row + i < m && column + j * TX < n) {
          TC& to = out[(row + i) * ldc + column + j * TX];
          to = TC(accumulate ? A(to) + acc[t][i][j] : acc[t][i][j]);
        }
      }
    }
  }
}

// out[c] (+)= sum over rows of x[row][c]. LANES threads side by side take neighbouring columns, CT each; the
// threads of a column take every (NT / LANES)-th row, and their sums are added in order.
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
  constexpr int vector = vector_bytes / int(sizeof(acc_t<TC>));
  constexpr int NT = threads<Stream>(256), TM = choose<Stream>(4, tile_rows),
                TN = choose<Stream>(4, 2 * vector);
  constexpr int BM = choose<Stream>(64, 8 * tile_rows), BN = choose<Stream>(64, 4 * vector);
  constexpr int BK = choose<Stream>(16, 128);
  if (m == 0 || n == 0 || batch == 0) return;
  const Grid grid{dim3(unsigned(ceil_div(m, BM)), unsigned(ceil_div(n, BN)), unsigned(batch)), dim3(NT)};
  launch<gemm_kernel<NT, BM, BN, BK, TM, TN, TA, TB, TC>>(
      stream, grid, m, n, k, Operand<TA>{a, lda, stride_a, !transpose_a},
      Operand<TB>{b, ldb, stride_b, transpose_b}, c, ldc, stride_c, accumulate);
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
#else
INSTANTIATE_GEMMS(SimtStream)
#ifndef DYAD_SIMT_ONLY
INSTANTIATE_GEMMS(CpuStream)
#endif
#endif
INSTANTIATE_WITH_BF16(column_sum)

}  // namespace kernels
