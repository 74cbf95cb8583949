// Tiles of similarities between rows that are views of images, two of each, for the losses in which they are
// rows and columns: nt_xent.cu and sup_con.cu. The formulas are derived in docs/kernels/nt_xent.md.
#pragma once

#include "kernels/tiles/similarity_tiles.h"

namespace kernels::inline KERNELS_COMPILER {

// This rank's rows, and all rows as columns.
template <class A>
__device__ __forceinline__ Factors<A> own_rows(const NtXentShape& s, const A* zt) {
  return {zt + s.first, zt, s.columns, s.columns};
}

// The number of own row i among all rows, and of the other view of its image.
__device__ __forceinline__ std::int64_t partner(const NtXentShape& s, std::int64_t i) {
  return s.first + (i < s.rows / 2 ? i + s.rows / 2 : i - s.rows / 2);
}

// Whether the tile of own rows i .. i + tm and columns j .. j + tn may contain a row's similarity to itself
// or to its partner, or columns outside.
__device__ __forceinline__ bool is_special(const NtXentShape& s, std::int64_t i, int tm, std::int64_t j,
                                           int tn) {
  const std::int64_t half = s.rows / 2, row = s.first + i;
  const auto meets = [=](std::int64_t first) { return first < j + tn && j < first + tm; };
  return j + tn > s.columns || meets(row) || meets(row + half) || meets(row - half);
}

// Hides what is not a negative: a row's similarity to itself and to its partner, and columns outside.
template <int TM, int TN, class A>
__device__ __forceinline__ void hide_special(const NtXentShape& shape, std::int64_t i, std::int64_t j,
                                             A (&s)[TM][TN]) {
  if (!is_special(shape, i, TM, j, TN)) return;
  UNROLL for (int r = 0; r < TM; ++r) {
    const int outside = int(shape.columns - j), itself = int(shape.first + i + r - j);
    const int pair = int(partner(shape, i + r) - j);
    UNROLL for (int c = 0; c < TN; ++c) if (c >= outside || c == itself || c == pair) s[r][c] = hidden<A>;
  }
}

// s[r][c] = g_ij of row i + r and column j + c, from their similarity: e^(a (s - top_i)) weight_i and the
// same with i and j exchanged. With top = 1 for all rows it needs one exponential.
template <int TM, int TN, class A>
__device__ __forceinline__ void to_weights(const NtXentShape& shape, const Temperature<A>& temperature,
                                           std::int64_t i, std::int64_t j, const A* top, const A* weight,
                                           A (&s)[TM][TN]) {
  const A a = temperature.a;
  A column_weight[TN], column_top[TN];
  for (int c = 0; c < TN; ++c) {
    const bool inside = j + c < shape.columns;
    column_weight[c] = inside ? weight[j + c] : A(0);
    column_top[c] = inside ? top[j + c] : A(1);
  }
  UNROLL for (int r = 0; r < TM; ++r) {
    const bool inside = i + r < shape.rows;
    const A row_weight = inside ? weight[shape.first + i + r] : A(0);
    const A row_top = inside ? top[shape.first + i + r] : A(1);
    if (temperature.bounded) {
      for (int c = 0; c < TN; ++c) s[r][c] = exp(a * (s[r][c] - A(1))) * (row_weight + column_weight[c]);
    } else {
      for (int c = 0; c < TN; ++c)
        s[r][c] =
            exp(a * (s[r][c] - row_top)) * row_weight + exp(a * (s[r][c] - column_top[c])) * column_weight[c];
    }
  }
}

// g_ip = -(pull_i + pull_p) for a row and its partner, g_ii = 0, and 0 for columns outside.
template <int TM, int TN, class A>
__device__ __forceinline__ void set_special(const NtXentShape& shape, std::int64_t i, std::int64_t j,
                                            const A* pull, A (&g)[TM][TN]) {
  if (!is_special(shape, i, TM, j, TN)) return;
  UNROLL for (int r = 0; r < TM; ++r) {
    const std::int64_t own = i + r < shape.rows ? i + r : shape.rows - 1;  // nobody reads the rows beyond
    const std::int64_t other = partner(shape, own);
    const int outside = int(shape.columns - j), itself = int(shape.first + own - j);
    const int pair = int(other - j);
    const A attraction = pull == nullptr ? A(0) : pull[own] + pull[other - shape.first];
    UNROLL for (int c = 0; c < TN; ++c) {
      if (c >= outside || c == itself) g[r][c] = A(0);
      if (c == pair) g[r][c] = -attraction;
    }
  }
}

}  // namespace kernels::inline KERNELS_COMPILER
