// NT-Xent without the matrix: similarities are computed tile by tile, used and dropped. The formulas are
// derived in docs/kernels/nt_xent.md.
//
// A block owns BM rows and loops over the columns, BN at a time. The forward pass turns a tile of
// similarities into terms of the row sums. The backward pass turns it into a tile of weights g_ij and
// multiplies it with z at once. Both passes compute one exponential an element. Both factors of both products
// lie in shared memory with the summed index first.
#include "kernels/kernels.h"
#include "kernels/tiles/tile_product.h"
#include "kernels/tiles/warp_rows.h"

namespace kernels {
namespace {

// a = 1 / tau. For tau >= 1/34 the bound s <= 1 replaces the largest similarity: exponents stay above -68,
// far from that of f32's smallest normal number, e^-87.
template <class A>
struct Temperature {
  A a;
  bool bounded;
  __device__ explicit Temperature(A tau) : a(tau > A(0) ? A(1) / tau : A(NAN)), bounded(a <= A(34)) {}
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
  __device__ Split(const NtXentShape& s, std::int64_t part)
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

// s[t] = the similarities of this thread's tile t in the block's tile of own rows i0 ... and columns j0 ...
template <class S, class A>
__device__ __forceinline__ void similarities(const NtXentShape& shape, std::int64_t i0, std::int64_t j0,
                                             const A* zt, A* shared, A (&s)[S::TILES][S::TM][S::TN]) {
  A *zi = shared, *zj = shared + S::BK * S::BM;
  for (int t = 0; t < S::TILES; ++t)
    UNROLL for (int r = 0; r < S::TM; ++r) for (int c = 0; c < S::TN; ++c) s[t][r][c] = A(0);
  for (std::int64_t k0 = 0; k0 < shape.d; k0 += S::BK) {
    __syncthreads();
    const A* from = zt + k0 * shape.columns;
    load_shared_tile<S::NT, S::BK, S::BM>(zi, from + shape.first + i0, shape.columns, shape.d - k0,
                                          shape.rows - i0);
    load_shared_tile<S::NT, S::BK, S::BN>(zj, from + j0, shape.columns, shape.d - k0, shape.columns - j0);
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

template <class S, class A>
__global__ void __launch_bounds__(S::NT)
    row_sums_kernel(NtXentShape shape, std::int64_t part, const A* zt, const A* tau, A* sum, A* top) {
  SHARED(A, shared, [S::BK * (S::BM + S::BN)]);
  const Temperature<A> temperature(tau[0]);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  A row_sum[S::GROUPS][S::TM], row_top[S::GROUPS][S::TM];
  for (int g = 0; g < S::GROUPS; ++g) UNROLL for (int r = 0; r < S::TM; ++r) {
      row_sum[g][r] = A(0);
      row_top[g][r] = temperature.bounded ? A(1) : lowest<A>;
    }

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, zt, shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      const int group = S::NT == 1 ? at.row / S::TM : 0;
      hide_special(shape, i0 + at.row, j0 + at.column, s[t]);
      add_terms(temperature, s[t], row_sum[group], row_top[group]);
    }
  }

  for (int g = 0; g < S::GROUPS; ++g) UNROLL for (int r = 0; r < S::TM; ++r) {
      if constexpr (S::NT > 1) merge_threads<S::TX>(temperature.a, row_sum[g][r], row_top[g][r]);
      const std::int64_t i = i0 + (S::NT == 1 ? g * S::TM : corner<S>(0).row) + r;
      if (i < shape.rows && threadIdx.x % S::TX == 0) {
        sum[blockIdx.y * shape.rows + i] = row_sum[g][r];
        top[blockIdx.y * shape.rows + i] = row_top[g][r];
      }
    }
}

// A warp a row: the distance of the pair, and the splits' sums merged to one top; then the loss, the weight
// and the pull of the row.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    rows_kernel(NtXentShape shape, int splits, const A* z, const A* norm, const A* tau, const A* sum,
                const A* split_top, A* loss, A* top, A* weight, A* pull) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const std::int64_t p = partner(shape, i);
  const A *zi = z + (shape.first + i) * shape.d, *zp = z + p * shape.d;
  A square = A(0), dot = A(0);
  for (std::int64_t k = row_thread<NT>(); k < shape.d; k += row_threads<NT>) {
    const A difference = zi[k] - zp[k];
    square += difference * difference;
    dot += zi[k] * zp[k];
  }
  square = warp_sum<NT>(square);
  dot = warp_sum<NT>(dot);
  if (row_thread<NT>() != 0) return;
  // for a row of zeros, which has no direction, the half square is not 1 - s
  const bool unit = norm[i] > A(nt_xent_eps) && norm[p - shape.first] > A(nt_xent_eps);
  const A distance = unit ? square / A(2) : A(1) - dot;

  const Temperature<A> temperature(tau[0]);
  const A a = temperature.a;
  A largest = split_top[i];
  for (int part = 1; part < splits; ++part) {
    const A other = split_top[part * shape.rows + i];
    largest = other > largest ? other : largest;
  }
  if (A(1) - distance > largest) largest = A(1) - distance;
  A total = A(0);
  for (int part = 0; part < splits; ++part)
    total += sum[part * shape.rows + i] * exp(a * (split_top[part * shape.rows + i] - largest));

  // the distance of the pair's exponent to the top's: the pair's exponential is at most 1
  const A below = temperature.bounded ? a * distance : a * (largest - (A(1) - distance));
  const A pair = exp(-below), all = total + pair;
  loss[i] = below < A(70) ? log1p(total / pair) : below + log(all);  // beyond 70 the quotient may overflow
  top[i] = largest;
  weight[i] = A(1) / all;
  pull[i] = total / all;
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
    const A attraction = pull[own] + pull[other - shape.first];
    UNROLL for (int c = 0; c < TN; ++c) {
      if (c >= outside || c == itself) g[r][c] = A(0);
      if (c == pair) g[r][c] = -attraction;
    }
  }
}

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

template <class S, class A>
__global__ void __launch_bounds__(S::NT, 3)
    backward_kernel(NtXentShape shape, std::int64_t part, const A* z, const A* zt, const A* tau, const A* top,
                    const A* weight, const A* pull, A* dz) {
  SHARED(A, shared, [S::shared_size]);
  SHARED(A, weights, [S::g_size]);
  const Temperature<A> temperature(tau[0]);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  dz += (blockIdx.y * shape.rows + i0) * shape.d;

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, zt, shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      to_weights(shape, temperature, i0 + at.row, j0 + at.column, top, weight, s[t]);
      set_special(shape, i0 + at.row, j0 + at.column, pull, s[t]);
      UNROLL for (int r = 0; r < S::TM; ++r) for (int c = 0; c < S::TN; ++c)
          weights[(at.row + r) * S::g_row + (at.column + c) * S::g_column] = s[t][r][c];
    }
    multiply_weights<S>(shape.rows - i0, split.end - j0, shape.d, weights, z + j0 * shape.d, shared,
                        j0 > split.begin, dz);
  }
}

template <int NT, bool Accumulate, class A>
__global__ void __launch_bounds__(NT, 1)
    jacobian_kernel(NtXentShape shape, int splits, const A* z, const A* norm, const A* tau, const A* dy,
                    A* dz, A* dh, A* dtau) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const A a = Temperature<A>(tau[0]).a, scale = dy[0] * a / A(shape.columns);
  const A* zi = z + (shape.first + i) * shape.d;
  A* gi = dz + i * shape.d;
  A along = A(0);
  for (std::int64_t k = row_thread<NT>(); k < shape.d; k += row_threads<NT>) {
    A g = gi[k];
    for (int part = 1; part < splits; ++part) g += gi[part * shape.rows * shape.d + k];
    g *= scale;
    gi[k] = g;
    along += zi[k] * g;
  }
  along = warp_sum<NT>(along);
  if (dtau != nullptr && row_thread<NT>() == 0) dtau[i] = A(-0.5) * a * along;
  if (dh == nullptr) return;
  const A length = norm[i];
  const A inverse = A(1) / (length > A(nt_xent_eps) ? length : A(nt_xent_eps));
  if (!(length > A(nt_xent_eps))) along = A(0);  // so short a row has z = h / eps
  dh += i * shape.d;
  for (std::int64_t k = row_thread<NT>(); k < shape.d; k += row_threads<NT>) {
    const A g = (gi[k] - along * zi[k]) * inverse;
    dh[k] = Accumulate ? dh[k] + g : g;
  }
}

// Blocks of rows along x, splits of the columns along y.
template <class S>
Grid tiles_grid(const NtXentShape& s, const char* launcher = __builtin_FUNCTION()) {
  return {dim3(unsigned(ceil_div(s.rows, S::BM)), unsigned(nt_xent_splits(s))), dim3(S::NT), 0, launcher};
}

}  // namespace

template <class Stream, class T>
void nt_xent_row_sums(Stream stream, const NtXentShape& s, const T* zt, const T* tau, T* sum, T* top) {
  using S = Tiling<Stream, T>;
  launch<row_sums_kernel<S, T>>(stream, tiles_grid<S>(s), s, nt_xent_part(s), zt, tau, sum, top);
}

template <class Stream, class T>
void nt_xent_rows(Stream stream, const NtXentShape& s, const T* z, const T* norm, const T* tau, const T* sum,
                  const T* split_top, T* loss, T* top, T* weight, T* pull) {
  constexpr int NT = threads<Stream>(128);
  launch<rows_kernel<NT, T>>(stream, warp_rows_grid<NT>(s.rows), s, nt_xent_splits(s), z, norm, tau, sum,
                             split_top, loss, top, weight, pull);
}

template <class Stream, class T>
void nt_xent_backward(Stream stream, const NtXentShape& s, const T* z, const T* zt, const T* tau,
                      const T* top, const T* weight, const T* pull, T* dz) {
  using S = Tiling<Stream, T>;
  launch<backward_kernel<S, T>>(stream, tiles_grid<S>(s), s, nt_xent_part(s), z, zt, tau, top, weight, pull,
                                dz);
}

template <class Stream, class T>
void nt_xent_jacobian(Stream stream, const NtXentShape& s, const T* z, const T* norm, const T* tau,
                      const T* dy, T* dz, T* dh, bool accumulate, T* dtau) {
  constexpr int NT = threads<Stream>(128);
  if (accumulate)
    launch<jacobian_kernel<NT, true, T>>(stream, warp_rows_grid<NT>(s.rows), s, nt_xent_splits(s), z, norm,
                                         tau, dy, dz, dh, dtau);
  else
    launch<jacobian_kernel<NT, false, T>>(stream, warp_rows_grid<NT>(s.rows), s, nt_xent_splits(s), z, norm,
                                          tau, dy, dz, dh, dtau);
}

INSTANTIATE(nt_xent_row_sums)
INSTANTIATE(nt_xent_rows)
INSTANTIATE(nt_xent_backward)
INSTANTIATE(nt_xent_jacobian)

}  // namespace kernels
