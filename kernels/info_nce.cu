// InfoNCE of rows against keys that get no gradient (MoCo; He et al. 2020), without the matrix of
// similarities. It is NT-Xent's tile loop (kernels/tiles/similarity_tiles.h) with other columns: the keys of
// all ranks, or a queue. docs/kernels/nt_xent.md derives the formulas.
#include "kernels/tiles/negatives.h"
#include "kernels/tiles/similarity_tiles.h"

namespace kernels {
namespace {

template <class A>
__device__ __forceinline__ Factors<A> rows_and_keys(const SimilarityShape& s, const A* qt, const A* kt) {
  return {qt, kt, s.rows, s.columns};
}

// Hides what is not a negative: the positives of rows i ..., and columns outside.
template <int TM, int TN, class A>
__device__ __forceinline__ void hide_positives(const SimilarityShape& shape, std::int64_t i, std::int64_t j,
                                               A (&s)[TM][TN]) {
  const std::int64_t first = shape.first + i;
  if (j + TN <= shape.columns && (first >= j + TN || first + TM <= j)) return;
  const int outside = int(shape.columns - j < TN ? shape.columns - j : TN);
  UNROLL for (int r = 0; r < TM; ++r) {
    const std::int64_t positive = first + r - j;
    UNROLL for (int c = 0; c < TN; ++c) if (c >= outside || c == positive) s[r][c] = hidden<A>;
  }
}

template <class S, class A>
__global__ void __launch_bounds__(S::NT)
    info_nce_row_sums_kernel(SimilarityShape shape, std::int64_t part, A sharpness, const A* qt, const A* kt,
                             const A* tau, A* sum, A* top) {
  SHARED(A, shared, [S::BK * (S::BM + S::BN)]);
  const Temperature<A> temperature(tau[0], sharpness);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  RowSums<S, A> sums(temperature);

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, rows_and_keys(shape, qt, kt), shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      hide_positives(shape, i0 + at.row, j0 + at.column, s[t]);
      sums.add(temperature, t, s[t]);
    }
  }
  sums.store(temperature, shape.rows, i0, sum, top);
}

// 1 - s of row i and its own key.
template <int NT, class A>
__device__ __forceinline__ A key_distance(const SimilarityShape& shape, std::int64_t i, const A* q,
                                          const A* positive, const A* norm, const A* key_norm) {
  const bool unit = norm[i] > A(nt_xent_eps) && key_norm[i] > A(nt_xent_eps);
  return positive_distance<NT>(shape.d, Positive<A>{q + i * shape.d, positive + i * shape.d, unit});
}

// A warp a row: its loss, weight and pull.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    info_nce_rows_kernel(SimilarityShape shape, int splits, const A* q, const A* positive, const A* norm,
                         const A* key_norm, const A* tau, const A* sum, const A* split_top, A* loss, A* top,
                         A* weight, A* pull) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const A distance = key_distance<NT>(shape, i, q, positive, norm, key_norm);
  if (row_thread<NT>() != 0) return;
  finish_row(shape, splits, i, distance, tau, sum, split_top, loss, top, weight, pull);
}

// The same for a row whose negatives do not count as in NT-Xent.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    info_nce_negatives_kernel(SimilarityShape shape, int splits, Negatives n, const A* q, const A* positive,
                              const A* norm, const A* key_norm, const A* tau, const A* sum,
                              const A* split_top, const A* flat_sum, const A* flat_split_top, A* loss, A* top,
                              A* weight, A* pull, A* flat_top, A* flat_weight, A* clamped) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const A distance = key_distance<NT>(shape, i, q, positive, norm, key_norm);
  if (row_thread<NT>() != 0) return;
  const bool among_columns = shape.first < shape.columns;  // the positives
  finish_negatives(shape.rows, splits, i, n, A(shape.columns - (among_columns ? 1 : 0)), distance, A(1), tau,
                   sum, split_top, flat_sum, flat_split_top, loss, top, weight, pull, flat_top, flat_weight,
                   clamped);
}

// s[r][c] = e^(a (s - top)) weight of row i + r; 0 for what is hidden.
template <int TM, int TN, class A>
__device__ __forceinline__ void to_probabilities(const SimilarityShape& shape, A a, std::int64_t i,
                                                 const A* top, const A* weight, A (&s)[TM][TN]) {
  UNROLL for (int r = 0; r < TM; ++r) {
    const bool inside = i + r < shape.rows;
    const A row_weight = inside ? weight[i + r] : A(0), row_top = inside ? top[i + r] : A(1);
    for (int c = 0; c < TN; ++c) s[r][c] = exp(a * (s[r][c] - row_top)) * row_weight;
  }
}

template <class S, class A>
__global__ void __launch_bounds__(S::NT, 3)
    info_nce_backward_kernel(SimilarityShape shape, std::int64_t part, A sharpness, bool accumulate,
                             const A* qt, const A* k, const A* kt, const A* tau, const A* top,
                             const A* weight, A* dq) {
  SHARED(A, shared, [S::shared_size]);
  SHARED(A, weights, [S::g_size]);
  const Temperature<A> temperature(tau[0], sharpness);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  dq += (blockIdx.y * shape.rows + i0) * shape.d;

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, rows_and_keys(shape, qt, kt), shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      hide_positives(shape, i0 + at.row, j0 + at.column, s[t]);
      to_probabilities(shape, temperature.a, i0 + at.row, top, weight, s[t]);
      store_weights<S>(t, s[t], weights);
    }
    multiply_weights<S>(shape.rows - i0, split.end - j0, shape.d, weights, k + j0 * shape.d, shared,
                        accumulate || j0 > split.begin, dq);
  }
}

template <int NT, bool Accumulate, class A>
__global__ void __launch_bounds__(NT, 1)
    info_nce_jacobian_kernel(SimilarityShape shape, int splits, A factor, const A* q, const A* positive,
                             const A* norm, const A* pull, const A* tau, const A* dy, const A* clamped, A* dq,
                             A* dh, A* dtau) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const A a = Temperature<A>(tau[0]).a, scale = factor * dy[0] * a;
  const A *qi = q + i * shape.d, *pi = positive + i * shape.d;
  A *gi = dq + i * shape.d, along = A(0);
  for (std::int64_t k = row_thread<NT>(); k < shape.d; k += row_threads<NT>) {
    A g = -pull[i] * pi[k];
    for (int part = 0; part < splits; ++part) g += gi[part * shape.rows * shape.d + k];
    g *= scale;
    gi[k] = g;
    along += qi[k] * g;
  }
  along = warp_sum<NT>(along);
  if (dtau != nullptr && row_thread<NT>() == 0) {
    dtau[i] = -a * along;
    if (clamped != nullptr) dtau[i] += scale * a * clamped[i];
  }
  if (dh == nullptr) return;
  store_row_gradient<NT, Accumulate>(shape.d, norm[i], qi, gi, along, dh + i * shape.d);
}

}  // namespace

template <class Stream, class T>
void info_nce_row_sums(Stream stream, const SimilarityShape& s, double sharpness, const T* qt, const T* kt,
                       const T* tau, T* sum, T* top) {
  using S = Tiling<Stream, T>;
  launch<info_nce_row_sums_kernel<S, T>>(stream, similarity_grid<S>(s), s, similarity_part(s), T(sharpness),
                                         qt, kt, tau, sum, top);
}

template <class Stream, class T>
void info_nce_rows(Stream stream, const SimilarityShape& s, const T* q, const T* positive, const T* norm,
                   const T* key_norm, const T* tau, const T* sum, const T* split_top, T* loss, T* top,
                   T* weight, T* pull) {
  constexpr int NT = threads<Stream>(128);
  launch<info_nce_rows_kernel<NT, T>>(stream, warp_rows_grid<NT>(s.rows), s, similarity_splits(s), q,
                                      positive, norm, key_norm, tau, sum, split_top, loss, top, weight, pull);
}

template <class Stream, class T>
void info_nce_negatives(Stream stream, const SimilarityShape& s, const Negatives& n, const T* q,
                        const T* positive, const T* norm, const T* key_norm, const T* tau, const T* sum,
                        const T* split_top, const T* flat_sum, const T* flat_split_top, T* loss, T* top,
                        T* weight, T* pull, T* flat_top, T* flat_weight, T* clamped) {
  constexpr int NT = threads<Stream>(128);
  launch<info_nce_negatives_kernel<NT, T>>(
      stream, warp_rows_grid<NT>(s.rows), s, similarity_splits(s), n, q, positive, norm, key_norm, tau, sum,
      split_top, flat_sum, flat_split_top, loss, top, weight, pull, flat_top, flat_weight, clamped);
}

template <class Stream, class T>
void info_nce_backward(Stream stream, const SimilarityShape& s, double sharpness, bool accumulate,
                       const T* qt, const T* k, const T* kt, const T* tau, const T* top, const T* weight,
                       T* dq) {
  using S = Tiling<Stream, T>;
  launch<info_nce_backward_kernel<S, T>>(stream, similarity_grid<S>(s), s, similarity_part(s), T(sharpness),
                                         accumulate, qt, k, kt, tau, top, weight, dq);
}

template <class Stream, class T>
void info_nce_jacobian(Stream stream, const SimilarityShape& s, double scale, const T* q, const T* positive,
                       const T* norm, const T* pull, const T* tau, const T* dy, const T* clamped, T* dq,
                       T* dh, bool accumulate, T* dtau) {
  constexpr int NT = threads<Stream>(128);
  const Grid grid = warp_rows_grid<NT>(s.rows);
  if (accumulate)
    launch<info_nce_jacobian_kernel<NT, true, T>>(stream, grid, s, similarity_splits(s), T(scale), q,
                                                  positive, norm, pull, tau, dy, clamped, dq, dh, dtau);
  else
    launch<info_nce_jacobian_kernel<NT, false, T>>(stream, grid, s, similarity_splits(s), T(scale), q,
                                                   positive, norm, pull, tau, dy, clamped, dq, dh, dtau);
}

INSTANTIATE(info_nce_row_sums)
INSTANTIATE(info_nce_rows)
INSTANTIATE(info_nce_negatives)
INSTANTIATE(info_nce_backward)
INSTANTIATE(info_nce_jacobian)

}  // namespace kernels
