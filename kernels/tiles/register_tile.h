// The register tile of a matrix product: R rows by N registers of L columns, held by one thread. 8 x 2
// registers with AVX-512 and 6 x 2 with AVX2 are what the register files hold.
#pragma once

#include "kernels/simt.h"
#include "kernels/tiles/vector.h"

namespace kernels::inline KERNELS_COMPILER {

#if defined(__AVX512F__)
constexpr int host_tile_rows = 8;
#else
constexpr int host_tile_rows = 6;
#endif

// An operand whose element (i, q * inner + k) is at data[i * row + q * panel + k * step]: a matrix, its
// transpose, or its panels. Row and Step are those distances where they are known to the compiler, else 0.
template <class A, int Row = 0, int Step = 0>
struct TileRows {
  const A* data;
  std::int64_t panel = 0, row_ = Row, step_ = Step;
  __device__ std::int64_t row() const { return Row ? Row : row_; }
  __device__ std::int64_t step() const { return Step ? Step : step_; }
};

// c[i][j] (+)= sum over k < depth of a(i, k) b[k * P + j], for R rows i and the thread's columns j; depth
// counts panels of `inner` k.
template <int R, int L, int N, int P, class T, class Rows>
__device__ __forceinline__ void multiply_tile(Rows a, const T* b, std::int64_t depth, std::int64_t inner,
                                              T* c, std::int64_t ldc, bool accumulate) {
  using V = Vector<T, L>;
  V sum[R][N];
  UNROLL for (int i = 0; i < R; ++i) UNROLL for (int j = 0; j < N; ++j) sum[i][j] = V{};
  for (std::int64_t q = 0; q < depth; q += inner, a.data += a.panel) {
    auto from = a.data;
    for (std::int64_t k = 0; k < inner; ++k, b += P, from += a.step()) {
      V row[N];
      UNROLL for (int j = 0; j < N; ++j) row[j] = load<V>(b + j * L);
      UNROLL for (int i = 0; i < R; ++i) {
        const V x = T(from[i * a.row()]) - V{};
        UNROLL for (int j = 0; j < N; ++j) sum[i][j] += x * row[j];
      }
    }
  }
  UNROLL for (int i = 0; i < R; ++i) {
    UNROLL for (int j = 0; j < N; ++j) {
      T* to = c + i * ldc + j * L;
      store(to, accumulate ? load<V>(to) + sum[i][j] : sum[i][j]);
    }
  }
}

// The same for `rows` rows, at most R.
template <int R, int L, int N, int P, class T, class Rows>
__device__ __forceinline__ void multiply_rows(std::int64_t rows, const Rows& a, const T* b,
                                              std::int64_t depth, std::int64_t inner, T* c, std::int64_t ldc,
                                              bool accumulate) {
  if (rows >= R)
    multiply_tile<R, L, N, P>(a, b, depth, inner, c, ldc, accumulate);
  else if constexpr (R > 1)
    multiply_rows<R - 1, L, N, P>(rows, a, b, depth, inner, c, ldc, accumulate);
}

}  // namespace kernels::inline KERNELS_COMPILER
