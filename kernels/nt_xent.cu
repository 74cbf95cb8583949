// NT-Xent without the matrix: tiles of similarities are made, used and dropped. docs/kernels/nt_xent.md.
//
// A block owns 64 rows and walks the columns tile by tile. Forward, a tile of similarities becomes terms of
// the row sums; backward it becomes a tile of weights g_ij and at once the product g z. One exponential an
// element in each. Both factors of both products lie in shared memory with the summed index first.
#include "kernels/kernels.h"
#include "kernels/tiles/tile_product.h"
#include "kernels/tiles/warp_rows.h"

namespace kernels {
namespace {

// For tau >= 1/34 the bound s <= 1 replaces the largest similarity: exponents stay above -68, far from f32's
// smallest normal number e^-87.
template <class A>
struct Temperature {
  A a;
  bool bounded;
  __device__ explicit Temperature(A tau) : a(tau > A(0) ? A(1) / tau : A(NAN)), bounded(a <= A(34)) {}
};

// Below every similarity: where the largest one starts.
template <class A>
constexpr A lowest = A(-2);

template <class A>
constexpr A hidden = A(-1e30);  // a similarity that does not count: its exponential is 0

// The sizes of one kernel: tiles of BI rows x BJ columns (or BD elements of dz), BK summed at a time; a
// thread makes RI x RJ similarities (RI x RD elements of dz) at a time, and EACH such register tiles a tile.
template <class Stream, class A>
struct Sizes {
  static constexpr int NT = threads<Stream>(128);
  static constexpr int L = lanes<Stream, A>;  // elements of a register
  static constexpr int BI = 64, BJ = choose<Stream>(256 / int(sizeof(A)), 64), BD = 64;
  static constexpr int BK = choose<Stream>(BJ / 2, 64);
  static constexpr int RI = choose<Stream>(8, host_vector_registers / 4);
  static constexpr int RJ = choose<Stream>(BI * BJ / RI / 128, 2 * L);
  static constexpr int RD = choose<Stream>(BI * BD / RI / 128, 2 * L);
  static constexpr int across = BJ / RJ, across_d = BD / RD;
  static constexpr int EACH = BI / RI * across / NT, EACH_D = BI / RI * across_d / NT;
  static constexpr int STATES = NT == 1 ? BI / RI : 1;  // groups of RI rows that a thread works on
  // g lies with its columns first on the GPU, where neighbouring threads read neighbouring rows of it
  static constexpr int g_row = choose<Stream>(1, BJ), g_column = choose<Stream>(BI + 4, 1);
  static constexpr int g_size = choose<Stream>(BJ * (BI + 4), BI* BJ);
  static_assert(EACH * NT * RI * RJ == BI * BJ && EACH_D * NT * RI * RD == BI * BD);
  // the tile of z lies where those of zt were
  static constexpr int tiles_size = BK * (BI + BJ) > BJ* BD ? BK*(BI + BJ) : BJ* BD;
};

// to[r][c] = from[r][c] inside rows x columns, 0 outside. Neighbouring threads take neighbouring columns.
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

// s[t] = the similarities of this thread's register tile t of the tile of own rows i0 .. and columns j0 ...
template <class S, class A>
__device__ __forceinline__ void similarities(const NtXentShape& shape, std::int64_t i0, std::int64_t j0,
                                             const A* zt, A* tiles, A (&s)[S::EACH][S::RI][S::RJ]) {
  A *zi = tiles, *zj = tiles + S::BK * S::BI;
  for (int t = 0; t < S::EACH; ++t)
    UNROLL for (int r = 0; r < S::RI; ++r) for (int c = 0; c < S::RJ; ++c) s[t][r][c] = A(0);
  for (std::int64_t k0 = 0; k0 < shape.d; k0 += S::BK) {
    __syncthreads();
    const A* from = zt + k0 * shape.columns;
    load_shared_tile<S::NT, S::BK, S::BI>(zi, from + shape.first + i0, shape.columns, shape.d - k0,
                                          shape.rows - i0);
    load_shared_tile<S::NT, S::BK, S::BJ>(zj, from + j0, shape.columns, shape.d - k0, shape.columns - j0);
    __syncthreads();
    const int n = int(shape.d - k0 < S::BK ? shape.d - k0 : S::BK);
    for (int t = 0; t < S::EACH; ++t) {
      const int tile = t * S::NT + int(threadIdx.x);
      Tile<A, S::RJ / S::L, S::L> sum[S::RI];
      load_tile(sum, s[t][0], S::RJ, S::RI, S::RJ);
      multiply_add<S::BJ>(n, TileRows<A, 1, S::BI>{zi + tile / S::across * S::RI},
                          zj + tile % S::across * S::RJ, sum);
      store_tile(sum, s[t][0], S::RJ, S::RI, S::RJ);
    }
  }
}

// The number of own row i among all rows, and of the other view of its image.
__device__ __forceinline__ std::int64_t partner(const NtXentShape& s, std::int64_t i) {
  return s.first + (i < s.rows / 2 ? i + s.rows / 2 : i - s.rows / 2);
}

// Whether own rows i .. i + ri, columns j .. j + rj may hold a row itself, its partner or what is outside.
__device__ __forceinline__ bool is_special(const NtXentShape& s, std::int64_t i, int ri, std::int64_t j,
                                           int rj) {
  const std::int64_t half = s.rows / 2, row = s.first + i;
  const auto meets = [=](std::int64_t first) { return first < j + rj && j < first + ri; };
  return j + rj > s.columns || meets(row) || meets(row + half) || meets(row - half);
}

template <class S, class A>
__global__ void __launch_bounds__(S::NT)
    row_sums_kernel(NtXentShape shape, std::int64_t part, const A* zt, const A* tau, A* sum, A* top) {
  SHARED(A, tiles, [S::BK * (S::BI + S::BJ)]);
  const Temperature<A> temperature(tau[0]);
  const A a = temperature.a;
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BI, begin = blockIdx.y * part;
  const std::int64_t end = begin + part < shape.columns ? begin + part : shape.columns;
  A row_sum[S::STATES][S::RI], row_top[S::STATES][S::RI];
  for (int g = 0; g < S::STATES; ++g) UNROLL for (int r = 0; r < S::RI; ++r) {
      row_sum[g][r] = A(0);
      row_top[g][r] = temperature.bounded ? A(1) : lowest<A>;
    }

  A s[S::EACH][S::RI][S::RJ];
  for (std::int64_t j0 = begin; j0 < end; j0 += S::BJ) {
    similarities<S>(shape, i0, j0, zt, tiles, s);
    for (int t = 0; t < S::EACH; ++t) {
      const int tile = t * S::NT + int(threadIdx.x), group = S::NT == 1 ? tile / S::across : 0;
      const std::int64_t i = i0 + tile / S::across * S::RI, j = j0 + tile % S::across * S::RJ;
      if (is_special(shape, i, S::RI, j, S::RJ)) {
        UNROLL for (int r = 0; r < S::RI; ++r) {
          const int outside = int(shape.columns - j), itself = int(shape.first + i + r - j);
          const int pair = int(partner(shape, i + r) - j);
          UNROLL for (int c = 0; c < S::RJ; ++c) if (c >= outside || c == itself || c == pair) s[t][r][c] =
              hidden<A>;
        }
      }
      UNROLL for (int r = 0; r < S::RI; ++r) {
        A largest = row_top[group][r], terms = A(0);
        if (!temperature.bounded) {
          for (int c = 0; c < S::RJ; ++c) largest = s[t][r][c] > largest ? s[t][r][c] : largest;
          row_sum[group][r] *= exp(a * (row_top[group][r] - largest));
          row_top[group][r] = largest;
        }
        for (int c = 0; c < S::RJ; ++c) terms += exp(a * (s[t][r][c] - largest));
        row_sum[group][r] += terms;
      }
    }
  }

  // the threads of a row are S::across neighbours on the GPU, a power of two in one warp
  for (int g = 0; g < S::STATES; ++g) UNROLL for (int r = 0; r < S::RI; ++r) {
      A total = row_sum[g][r], largest = row_top[g][r];
      if constexpr (S::NT > 1)
        for (int mask = S::across / 2; mask > 0; mask /= 2) {
          const A other_total = __shfl_xor_sync(0xffffffffu, total, mask);
          const A other = __shfl_xor_sync(0xffffffffu, largest, mask);
          const A both = other > largest ? other : largest;
          total = total * exp(a * (largest - both)) + other_total * exp(a * (other - both));
          largest = both;
        }
      const std::int64_t i = i0 + (S::NT == 1 ? g : int(threadIdx.x) / S::across) * S::RI + r;
      if (i < shape.rows && threadIdx.x % S::across == 0) {
        sum[blockIdx.y * shape.rows + i] = total;
        top[blockIdx.y * shape.rows + i] = largest;
      }
    }
}

// A warp a row: the distance of the pair, the parts' sums brought to one top, and what follows from both.
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
  // a row of zeros has no direction; then the half square is not 1 - s
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

  // how far the pair's term lies below the top: its exponential is never above 1
  const A below = temperature.bounded ? a * distance : a * (largest - (A(1) - distance));
  const A pair = exp(-below), all = total + pair;
  loss[i] = below < A(70) ? log1p(total / pair) : below + log(all);  // beyond 70 the quotient overflows
  top[i] = largest;
  weight[i] = A(1) / all;
  pull[i] = total / all;
}

template <class S, class A>
__global__ void __launch_bounds__(S::NT, 3)
    backward_kernel(NtXentShape shape, std::int64_t part, const A* z, const A* zt, const A* tau, const A* top,
                    const A* weight, const A* pull, A* dz) {
  SHARED(A, tiles, [S::tiles_size]);
  SHARED(A, weights, [S::g_size]);
  const Temperature<A> temperature(tau[0]);
  const A a = temperature.a;
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BI, begin = blockIdx.y * part;
  const std::int64_t end = begin + part < shape.columns ? begin + part : shape.columns;
  dz += blockIdx.y * shape.rows * shape.d;

  A s[S::EACH][S::RI][S::RJ];
  for (std::int64_t j0 = begin; j0 < end; j0 += S::BJ) {
    similarities<S>(shape, i0, j0, zt, tiles, s);
    for (int t = 0; t < S::EACH; ++t) {
      const int tile = t * S::NT + int(threadIdx.x), row = tile / S::across * S::RI;
      const int column = tile % S::across * S::RJ;
      const std::int64_t i = i0 + row, j = j0 + column;
      A column_weight[S::RJ], column_top[S::RJ];
      for (int c = 0; c < S::RJ; ++c) {
        const bool inside = j + c < shape.columns;
        column_weight[c] = inside ? weight[j + c] : A(0);
        column_top[c] = inside ? top[j + c] : A(1);
      }
      UNROLL for (int r = 0; r < S::RI; ++r) {
        const bool inside = i + r < shape.rows;
        const A row_weight = inside ? weight[shape.first + i + r] : A(0);
        const A row_top = inside ? top[shape.first + i + r] : A(1);
        if (temperature.bounded) {
          for (int c = 0; c < S::RJ; ++c)
            s[t][r][c] = exp(a * (s[t][r][c] - A(1))) * (row_weight + column_weight[c]);
        } else {
          for (int c = 0; c < S::RJ; ++c)
            s[t][r][c] = exp(a * (s[t][r][c] - row_top)) * row_weight +
                         exp(a * (s[t][r][c] - column_top[c])) * column_weight[c];
        }
      }
      if (is_special(shape, i, S::RI, j, S::RJ)) {
        UNROLL for (int r = 0; r < S::RI; ++r) {
          const std::int64_t own = i + r < shape.rows ? i + r : shape.rows - 1;  // beyond: nobody reads it
          const std::int64_t other = partner(shape, own);
          const int outside = int(shape.columns - j), itself = int(shape.first + own - j);
          const int pair = int(other - j);
          const A attraction = pull[own] + pull[other - shape.first];
          UNROLL for (int c = 0; c < S::RJ; ++c) {
            if (c >= outside || c == itself) s[t][r][c] = A(0);
            if (c == pair) s[t][r][c] = -attraction;
          }
        }
      }
      UNROLL for (int r = 0; r < S::RI; ++r) for (int c = 0; c < S::RJ; ++c)
          weights[(row + r) * S::g_row + (column + c) * S::g_column] = s[t][r][c];
    }

    for (std::int64_t d0 = 0; d0 < shape.d; d0 += S::BD) {
      __syncthreads();
      load_shared_tile<S::NT, S::BJ, S::BD>(tiles, z + j0 * shape.d + d0, shape.d, end - j0, shape.d - d0);
      __syncthreads();
      for (int t = 0; t < S::EACH_D; ++t) {
        const int tile = t * S::NT + int(threadIdx.x), row = tile / S::across_d * S::RI;
        const int column = tile % S::across_d * S::RD;
        const int rows = int(shape.rows - (i0 + row)), columns = int(shape.d - (d0 + column));
        A* out = dz + (i0 + row) * shape.d + d0 + column;
        Tile<A, S::RD / S::L, S::L> sum[S::RI];
        load_tile(sum, out, shape.d, j0 == begin ? 0 : rows, columns);
        multiply_add<S::BD>(end - j0 < S::BJ ? end - j0 : S::BJ,
                            TileRows<A, S::g_row, S::g_column>{weights + row * S::g_row}, tiles + column,
                            sum);
        store_tile(sum, out, shape.d, rows, columns);
      }
    }
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
  if (!(length > A(nt_xent_eps))) along = A(0);  // there z = h / eps
  dh += i * shape.d;
  for (std::int64_t k = row_thread<NT>(); k < shape.d; k += row_threads<NT>) {
    const A g = (gi[k] - along * zi[k]) * inverse;
    dh[k] = Accumulate ? dh[k] + g : g;
  }
}

// Blocks of rows along x, parts of the columns along y.
template <class S>
Grid tiles_grid(const NtXentShape& s, const char* launcher = __builtin_FUNCTION()) {
  return {dim3(unsigned(ceil_div(s.rows, S::BI)), unsigned(nt_xent_splits(s))), dim3(S::NT), 0, launcher};
}

}  // namespace

template <class Stream, class T>
void nt_xent_row_sums(Stream stream, const NtXentShape& s, const T* zt, const T* tau, T* sum, T* top) {
  using S = Sizes<Stream, T>;
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
  using S = Sizes<Stream, T>;
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
