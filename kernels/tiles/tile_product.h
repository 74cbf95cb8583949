// The inner loop of a tiled matrix product: one thread's M x (N L) tile of the result, kept in registers as M
// register tiles. The vectors are spelled out: from plain loops over arrays g++ makes the same code, or code
// that is seven times slower (vectors along k, accumulators in memory), depending on the constants around.
#pragma once

#include "kernels/simt.h"
#include "kernels/tiles/register_tile.h"

namespace kernels::inline KERNELS_COMPILER {

// The rows of a host thread's tile whose rows are two registers wide: 8 x 2 registers with AVX-512 and 6 x 2
// with AVX2 leave room for the operands.
#if defined(__AVX512F__)
constexpr int host_tile_rows = 8;
#else
constexpr int host_tile_rows = 6;
#endif

// The left operand. Element (i, q * inner + k) lies at data[i * row + q * panel + k * step]: a matrix, its
// transpose, or its panels. Row and Step are these distances where the compiler knows them, else 0.
template <class T, int Row = 0, int Step = 0>
struct TileRows {
  static constexpr bool neighbours = Row == 1;  // the elements of a column of M rows
  const T* data;
  std::int64_t panel = 0, row_ = Row, step_ = Step;
  __device__ std::int64_t row() const { return Row ? Row : row_; }
  __device__ std::int64_t step() const { return Step ? Step : step_; }
};

// sum[i][j] += sum over k < n of a(i, k) b[k * LDB + j] for the M rows i and N L columns j of a thread. A GPU
// thread that has several columns reads packs: then b, and a if its rows are neighbours, must begin at a
// multiple of 16 bytes, and so must their rows.
template <int LDB, int M, int N, int L, class A, class Rows>
__device__ __forceinline__ void multiply_add(std::int64_t n, const Rows& a, const A* b,
                                             Tile<A, N, L> (&sum)[M]) {
  auto from = a.data;
#ifdef __CUDACC__
#pragma unroll(N > 1 ? 4 : 8)
#endif
  for (std::int64_t k = 0; k < n; ++k, b += LDB, from += a.step()) {
    const Tile<A, N, L> row = load_tile<N, L>(b);
    Tile<A, M, 1> column;
    if constexpr (Rows::neighbours && N > 1 && L == 1) {
      column = load_tile<M, 1>(from);
    } else {
      UNROLL for (int i = 0; i < M; ++i) column.v[i] = A(from[i * a.row()]);
    }
    UNROLL for (int i = 0; i < M; ++i) {
      const auto x = column.v[i] - Vector<A, L>{};  // in every element of a register
      UNROLL for (int j = 0; j < N; ++j) sum[i].v[j] += x * row.v[j];
    }
  }
}

// c[i][j] (+)= sum over k < depth of a(i, k) b[k * P + j]; depth is a multiple of `inner`, the k of a panel.
template <int M, int L, int N, int P, class A, class Rows>
__device__ __forceinline__ void multiply_tile(Rows a, const A* b, std::int64_t depth, std::int64_t inner,
                                              A* c, std::int64_t ldc, bool accumulate) {
  Tile<A, N, L> sum[M]{};
  for (std::int64_t q = 0; q < depth; q += inner, a.data += a.panel, b += inner * P)
    multiply_add<P>(inner, a, b, sum);
  UNROLL for (int i = 0; i < M; ++i) {
    A* to = c + i * ldc;
    if (accumulate) {
      const Tile<A, N, L> before = load_tile<N, L>(to);
      UNROLL for (int j = 0; j < N; ++j) sum[i].v[j] = before.v[j] + sum[i].v[j];
    }
    store_tile<N, L>(to, sum[i]);
  }
}

// The same for `rows` rows, at most M.
template <int M, int L, int N, int P, class A, class Rows>
__device__ __forceinline__ void multiply_rows(std::int64_t rows, const Rows& a, const A* b,
                                              std::int64_t depth, std::int64_t inner, A* c, std::int64_t ldc,
                                              bool accumulate) {
  if (rows >= M)
    multiply_tile<M, L, N, P>(a, b, depth, inner, c, ldc, accumulate);
  else if constexpr (M > 1)
    multiply_rows<M - 1, L, N, P>(rows, a, b, depth, inner, c, ldc, accumulate);
}

}  // namespace kernels::inline KERNELS_COMPILER
