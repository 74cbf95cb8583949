// The tile loop of the contrastive losses: a block owns BM rows, computes their similarities to the columns
// tile by tile, and drops them. The forward pass sums exponentials of a tile, the backward pass turns a tile
// into weights and multiplies it with the columns. nt_xent.cu, sup_con.cu and info_nce.cu say which
// similarities count, and with which weights. The formulas are derived in docs/kernels/nt_xent.md.
#pragma once

#include "kernels/kernels.h"
#include "kernels/tiles/tile_product.h"
#include "kernels/tiles/warp_rows.h"

namespace kernels::inline KERNELS_COMPILER {

// a = sharpness / tau. For a <= 34 the bound s <= 1 replaces the largest similarity: exponents stay above
// -68, far from that of f32's smallest normal number, e^-87.
template <class A>
struct Temperature {
  A a;
  bool bounded;
  __device__ explicit Temperature(A tau, A sharpness = A(1))
      : a(tau > A(0) ? sharpness / tau : A(NAN)), bounded(a <= A(34)) {}
};

// The start of a maximum over similarities, below all of them.
template <class A>
constexpr A lowest = A(-2);

template <class A>
constexpr A hidden = A(-1e30);  // a similarity that does not count: its exponential is 0

// Sizes, named as in a tiled matrix product. A block's tile has BM x BN similarities, summed over BK features
// at a time. A thread's tile has TM x TN of them; TX threads' tiles fill a row of the block's tile, and a
// thread computes TILES tiles of it. The second product of the backward pass has blocks' tiles of BM x BD
// elements of dz, threads' tiles of TM x TD, and TX_D and TILES_D for TX and TILES.
template <class Stream, class A>
struct Tiling {
  static constexpr int NT = threads<Stream>(128);
  static constexpr int L = lanes<Stream, A>;  // elements of a register
  static constexpr int BM = 64, BN = choose<Stream>(256 / int(sizeof(A)), 64), BD = 64;
  static constexpr int BK = choose<Stream>(BN / 2, 64);
  // f64 only checks. Its exponential is a call on the host, and TM x TN of them compile slowly: small tiles.
  static constexpr bool checks = sizeof(A) == sizeof(double);
  static constexpr int TM = choose<Stream>(8, checks ? 2 : host_vector_registers / 4);
  static constexpr int TN = choose<Stream>(BM * BN / TM / 128, checks ? L : 2 * L);
  static constexpr int TD = choose<Stream>(BM * BD / TM / 128, 2 * L);
  static constexpr int TX = BN / TN, TX_D = BD / TD;
  static constexpr int TILES = BM / TM * TX / NT, TILES_D = BM / TM * TX_D / NT;
  static constexpr int GROUPS = NT == 1 ? BM / TM : 1;  // of TM rows whose sums a thread keeps
  // Element (i, j) of the tile of weights g lies at i * g_row + j * g_column. On the GPU columns come first,
  // since neighbouring threads read neighbouring rows.
  static constexpr int g_row = choose<Stream>(1, BN), g_column = choose<Stream>(BM + 4, 1);
  static constexpr int g_size = choose<Stream>(BN * (BM + 4), BM* BN);
  static_assert(TILES * NT * TM * TN == BM * BN && TILES_D * NT * TM * TD == BM * BD);
  // first the two tiles of zt, then in their place the tile of z
  static constexpr int shared_size = BK * (BM + BN) > BN* BD ? BK*(BM + BN) : BN* BD;
};

// The first row and column of a thread's tile t in the block's tile.
struct Corner {
  int row, column;
};
template <class S>
__device__ __forceinline__ Corner corner(int t) {
  const int tile = t * S::NT + int(threadIdx.x);
  return {tile / S::TX * S::TM, tile % S::TX * S::TN};
}
template <class S>
__device__ __forceinline__ Corner corner_d(int t) {
  const int tile = t * S::NT + int(threadIdx.x);
  return {tile / S::TX_D * S::TM, tile % S::TX_D * S::TD};
}

// The columns begin .. end of the split that this block works on; `part` is the number of columns of a split.
struct Split {
  std::int64_t begin, end;
  __device__ Split(const SimilarityShape& s, std::int64_t part)
      : begin(blockIdx.y * part), end(begin + part < s.columns ? begin + part : s.columns) {}
};

// Loads a block's tile into shared memory: to[r][c] = from[r][c] inside rows x columns, else 0. Neighbouring
// threads load neighbouring columns.
template <int NT, int R, int C, class A>
__device__ __forceinline__ void load_shared_tile(A* to, const A* from, std::int64_t ld, std::int64_t rows,
                                                 std::int64_t columns) {
  if constexpr (NT == 1) {
    const int nr = int(rows < R ? rows : R), nc = int(columns < C ? columns : C);
    for (int r = 0; r < nr; ++r) {
      for (int c = 0; c < nc; ++c) to[r * C + c] = from[r * ld + c];
      for (int c = nc; c < C; ++c) to[r * C + c] = A(0);
    }
    for (int r = nr; r < R; ++r)
      for (int c = 0; c < C; ++c) to[r * C + c] = A(0);
  } else {
    UNROLL for (int e = threadIdx.x; e < R * C; e += NT) {
      const int r = e / C, c = e % C;
      to[e] = r < rows && c < columns ? from[r * ld + c] : A(0);
    }
  }
}

// The rows and the columns whose products are the similarities, both transposed: feature k of row i lies at
// rows[k * row_stride + i].
template <class A>
struct Factors {
  const A *rows, *columns;
  std::int64_t row_stride, column_stride;
};

// s[t] = the similarities of this thread's tile t in the block's tile of own rows i0 ... and columns j0 ...
template <class S, class A>
__device__ __forceinline__ void similarities(const SimilarityShape& shape, std::int64_t i0, std::int64_t j0,
                                             const Factors<A>& f, A* shared, A (&s)[S::TILES][S::TM][S::TN]) {
  A *zi = shared, *zj = shared + S::BK * S::BM;
  for (int t = 0; t < S::TILES; ++t)
    UNROLL for (int r = 0; r < S::TM; ++r) for (int c = 0; c < S::TN; ++c) s[t][r][c] = A(0);
  for (std::int64_t k0 = 0; k0 < shape.d; k0 += S::BK) {
    __syncthreads();
    load_shared_tile<S::NT, S::BK, S::BM>(zi, f.rows + k0 * f.row_stride + i0, f.row_stride, shape.d - k0,
                                          shape.rows - i0);
    load_shared_tile<S::NT, S::BK, S::BN>(zj, f.columns + k0 * f.column_stride + j0, f.column_stride,
                                          shape.d - k0, shape.columns - j0);
    __syncthreads();
    const int n = int(shape.d - k0 < S::BK ? shape.d - k0 : S::BK);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      Tile<A, S::TN / S::L, S::L> sum[S::TM];
      load_tile(sum, s[t][0], S::TN, S::TM, S::TN);
      multiply_add<S::BN>(n, TileRows<A, 1, S::BM>{zi + at.row}, zj + at.column, sum);
      store_tile(sum, s[t][0], S::TN, S::TM, S::TN);
    }
  }
}

// sum[r] += sum over c of e^(a (s[r][c] - top[r])), where top[r] rises to the largest similarity so far
// unless the temperature is bounded.
template <int TM, int TN, class A>
__device__ __forceinline__ void add_terms(const Temperature<A>& temperature, const A (&s)[TM][TN],
                                          A (&sum)[TM], A (&top)[TM]) {
  const A a = temperature.a;
  UNROLL for (int r = 0; r < TM; ++r) {
    A largest = top[r], terms = A(0);
    if (!temperature.bounded) {
      for (int c = 0; c < TN; ++c) largest = s[r][c] > largest ? s[r][c] : largest;
      sum[r] *= exp(a * (top[r] - largest));
      top[r] = largest;
    }
    for (int c = 0; c < TN; ++c) terms += exp(a * (s[r][c] - largest));
    sum[r] += terms;
  }
}

// Merges the sums of the TX threads of a row, which are neighbours: a power of two, in one warp.
template <int TX, class A>
__device__ __forceinline__ void merge_threads(A a, A& sum, A& top) {
  for (int mask = TX / 2; mask > 0; mask /= 2) {
    const A other_sum = __shfl_xor_sync(0xffffffffu, sum, mask);
    const A other = __shfl_xor_sync(0xffffffffu, top, mask);
    const A both = other > top ? other : top;
    sum = sum * exp(a * (top - both)) + other_sum * exp(a * (other - both));
    top = both;
  }
}

// The sums of a block's rows over the columns of its split: of e^(a (s - top)), where top is 1 if the
// temperature is bounded, else the largest similarity.
template <class S, class A>
struct RowSums {
  A sum[S::GROUPS][S::TM], top[S::GROUPS][S::TM];

  __device__ explicit RowSums(const Temperature<A>& temperature) {
    for (int g = 0; g < S::GROUPS; ++g) UNROLL for (int r = 0; r < S::TM; ++r) {
        sum[g][r] = A(0);
        top[g][r] = temperature.bounded ? A(1) : lowest<A>;
      }
  }
  // of this thread's tile t
  __device__ __forceinline__ void add(const Temperature<A>& temperature, int t, const A (&s)[S::TM][S::TN]) {
    const int group = S::NT == 1 ? corner<S>(t).row / S::TM : 0;
    add_terms(temperature, s, sum[group], top[group]);
  }
  // Writes the sums of the block's rows i0 ...
  __device__ __forceinline__ void store(const Temperature<A>& temperature, std::int64_t rows, std::int64_t i0,
                                        A* to_sum, A* to_top) {
    for (int g = 0; g < S::GROUPS; ++g) UNROLL for (int r = 0; r < S::TM; ++r) {
        if constexpr (S::NT > 1) merge_threads<S::TX>(temperature.a, sum[g][r], top[g][r]);
        const std::int64_t i = i0 + (S::NT == 1 ? g * S::TM : corner<S>(0).row) + r;
        if (i < rows && threadIdx.x % S::TX == 0) {
          to_sum[blockIdx.y * rows + i] = sum[g][r];
          to_top[blockIdx.y * rows + i] = top[g][r];
        }
      }
  }
};

// dz (+)= g z for the block's own rows i0 ... and the `columns` columns of its tile of weights; z and dz
// point to the first of these columns and rows. The sums are kept in dz, so that d may have any size.
template <class S, class A>
__device__ __forceinline__ void multiply_weights(std::int64_t rows, std::int64_t columns, std::int64_t d,
                                                 const A* weights, const A* z, A* shared, bool accumulate,
                                                 A* dz) {
  for (std::int64_t d0 = 0; d0 < d; d0 += S::BD) {
    __syncthreads();
    load_shared_tile<S::NT, S::BN, S::BD>(shared, z + d0, d, columns, d - d0);
    __syncthreads();
    for (int t = 0; t < S::TILES_D; ++t) {
      const Corner at = corner_d<S>(t);
      const int height = int(rows - at.row), width = int(d - (d0 + at.column));
      A* out = dz + at.row * d + d0 + at.column;
      Tile<A, S::TD / S::L, S::L> sum[S::TM];
      load_tile(sum, out, d, accumulate ? height : 0, width);
      multiply_add<S::BD>(columns < S::BN ? columns : S::BN,
                          TileRows<A, S::g_row, S::g_column>{weights + at.row * S::g_row}, shared + at.column,
                          sum);
      store_tile(sum, out, d, height, width);
    }
  }
}

// Writes the weights of this thread's tile t to the block's tile in shared memory.
template <class S, class A>
__device__ __forceinline__ void store_weights(int t, const A (&g)[S::TM][S::TN], A* weights) {
  const Corner at = corner<S>(t);
  UNROLL for (int r = 0; r < S::TM; ++r) for (int c = 0; c < S::TN; ++c)
      weights[(at.row + r) * S::g_row + (at.column + c) * S::g_column] = g[r][c];
}

// What a warp needs to turn the sums of row i into its loss: the row, its positive, both of unit length.
// unit: false if one of them was too short to have a direction.
template <class A>
struct Positive {
  const A *row, *key;
  bool unit;
};

// 1 - s of a row and its positive. A warp takes the row, and the result is its first thread's.
template <int NT, class A>
__device__ __forceinline__ A positive_distance(std::int64_t d, const Positive<A>& p) {
  A square = A(0), dot = A(0);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) {
    const A difference = p.row[k] - p.key[k];
    square += difference * difference;
    dot += p.row[k] * p.key[k];
  }
  square = warp_sum<NT>(square);
  dot = warp_sum<NT>(dot);
  // for a row of zeros, which has no direction, the half square is not 1 - s
  return p.unit ? square / A(2) : A(1) - dot;
}

// total e^(a top) = the sum of e^(a s) over the negatives of a row.
template <class A>
struct RowTotal {
  A total, top;
};

// The splits' sums of row i, merged to their largest top, or to `least` if that is larger.
template <class A>
__device__ __forceinline__ RowTotal<A> merge_splits(std::int64_t rows, int splits, std::int64_t i, A a,
                                                    A least, const A* sum, const A* split_top) {
  A largest = split_top[i];
  for (int part = 1; part < splits; ++part) {
    const A other = split_top[part * rows + i];
    largest = other > largest ? other : largest;
  }
  if (least > largest) largest = least;
  A total = A(0);
  for (int part = 0; part < splits; ++part)
    total += sum[part * rows + i] * exp(a * (split_top[part * rows + i] - largest));
  return {total, largest};
}

// The loss, the weight and the pull of row i, of which one thread knows the distance of its positive.
template <class A>
__device__ __forceinline__ void finish_row(const SimilarityShape& shape, int splits, std::int64_t i,
                                           A distance, const A* tau, const A* sum, const A* split_top,
                                           A* loss, A* top, A* weight, A* pull) {
  const Temperature<A> temperature(tau[0]);
  const A a = temperature.a;
  const auto [total, largest] = merge_splits(shape.rows, splits, i, a, A(1) - distance, sum, split_top);

  // the distance of the pair's exponent to the top's: the pair's exponential is at most 1
  const A below = temperature.bounded ? a * distance : a * (largest - (A(1) - distance));
  const A pair = exp(-below), all = total + pair;
  loss[i] = below < A(70) ? log1p(total / pair) : below + log(all);  // beyond 70 the quotient may overflow
  top[i] = largest;
  weight[i] = A(1) / all;
  pull[i] = total / all;
}

// dh (+)= (g - along z) / norm: the gradient of a row of length `norm` from that of z, the same row at unit
// length; along = z . g. A warp takes the row.
template <int NT, bool Accumulate, class A>
__device__ __forceinline__ void store_row_gradient(std::int64_t d, A norm, const A* z, const A* g, A along,
                                                   A* dh) {
  const A inverse = A(1) / (norm > A(nt_xent_eps) ? norm : A(nt_xent_eps));
  if (!(norm > A(nt_xent_eps))) along = A(0);  // so short a row has z = h / eps
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) {
    const A gradient = (g[k] - along * z[k]) * inverse;
    dh[k] = Accumulate ? dh[k] + gradient : gradient;
  }
}

// Blocks of rows along x, splits of the columns along y.
template <class S>
Grid similarity_grid(const SimilarityShape& s, const char* launcher = __builtin_FUNCTION()) {
  return {dim3(unsigned(ceil_div(s.rows, S::BM)), unsigned(similarity_splits(s))), dim3(S::NT), 0, launcher};
}

}  // namespace kernels::inline KERNELS_COMPILER
