// NT-Xent without the matrix: similarities are computed tile by tile, used and dropped. The formulas are
// derived in docs/kernels/nt_xent.md.
//
// A block owns BM rows and loops over the columns, BN at a time (kernels/tiles/similarity_tiles.h). The
// forward pass turns a tile of similarities into terms of the row sums. The backward pass turns it into a
// tile of weights g_ij and multiplies it with z at once. Both passes compute one exponential an element.
#include "kernels/tiles/negatives.h"
#include "kernels/tiles/view_pairs.h"

namespace kernels {
namespace {

template <class S, class A>
__global__ void __launch_bounds__(S::NT) row_sums_kernel(NtXentShape shape, std::int64_t part, A sharpness,
                                                         const A* zt, const A* tau, A* sum, A* top) {
  SHARED(A, shared, [S::BK * (S::BM + S::BN)]);
  const Temperature<A> temperature(tau[0], sharpness);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  RowSums<S, A> sums(temperature);

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, own_rows(shape, zt), shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      hide_special(shape, i0 + at.row, j0 + at.column, s[t]);
      sums.add(temperature, t, s[t]);
    }
  }
  sums.store(temperature, shape.rows, i0, sum, top);
}

// 1 - s of own row i and its partner.
template <int NT, class A>
__device__ __forceinline__ A partner_distance(const NtXentShape& shape, std::int64_t i, const A* z,
                                              const A* norm) {
  const std::int64_t p = partner(shape, i);
  const bool unit = norm[i] > A(nt_xent_eps) && norm[p - shape.first] > A(nt_xent_eps);
  return positive_distance<NT>(shape.d, Positive<A>{z + (shape.first + i) * shape.d, z + p * shape.d, unit});
}

// A warp a row: its loss, weight and pull.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    rows_kernel(NtXentShape shape, int splits, const A* z, const A* norm, const A* tau, const A* sum,
                const A* split_top, A* loss, A* top, A* weight, A* pull) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const A distance = partner_distance<NT>(shape, i, z, norm);
  if (row_thread<NT>() != 0) return;
  finish_row(shape, splits, i, distance, tau, sum, split_top, loss, top, weight, pull);
}

// The scalars of a row whose negatives do not count as in NT-Xent; docs/kernels/nt_xent.md, "Negatives".
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    negatives_kernel(NtXentShape shape, int splits, Negatives n, const A* z, const A* norm, const A* tau,
                     const A* sum, const A* split_top, const A* flat_sum, const A* flat_split_top,
                     const A* positive_weight, A* loss, A* top, A* weight, A* pull, A* flat_top,
                     A* flat_weight, A* clamped) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const A distance = partner_distance<NT>(shape, i, z, norm);
  if (row_thread<NT>() != 0) return;

  const std::int64_t half = shape.rows / 2;
  const A attraction = positive_weight == nullptr ? A(1) : positive_weight[i < half ? i : i - half];
  finish_negatives(shape.rows, splits, i, n, A(shape.columns - 2), distance, attraction, tau, sum, split_top,
                   flat_sum, flat_split_top, loss, top, weight, pull, flat_top, flat_weight, clamped);
}

template <class S, class A>
__global__ void __launch_bounds__(S::NT, 3)
    backward_kernel(NtXentShape shape, std::int64_t part, A sharpness, bool accumulate, const A* z,
                    const A* zt, const A* tau, const A* top, const A* weight, const A* pull, A* dz) {
  SHARED(A, shared, [S::shared_size]);
  SHARED(A, weights, [S::g_size]);
  const Temperature<A> temperature(tau[0], sharpness);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  dz += (blockIdx.y * shape.rows + i0) * shape.d;

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, own_rows(shape, zt), shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      to_weights(shape, temperature, i0 + at.row, j0 + at.column, top, weight, s[t]);
      set_special(shape, i0 + at.row, j0 + at.column, pull, s[t]);
      store_weights<S>(t, s[t], weights);
    }
    multiply_weights<S>(shape.rows - i0, split.end - j0, shape.d, weights, z + j0 * shape.d, shared,
                        accumulate || j0 > split.begin, dz);
  }
}

template <int NT, bool Accumulate, class A>
__global__ void __launch_bounds__(NT, 1)
    jacobian_kernel(NtXentShape shape, int splits, const A* z, const A* norm, const A* tau, const A* dy,
                    const A* clamped, A* dz, A* dh, A* dtau) {
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
  if (dtau != nullptr && row_thread<NT>() == 0) {
    dtau[i] = A(-0.5) * a * along;
    if (clamped != nullptr) dtau[i] += scale * a * clamped[i];
  }
  if (dh == nullptr) return;
  store_row_gradient<NT, Accumulate>(shape.d, norm[i], zi, gi, along, dh + i * shape.d);
}

}  // namespace

template <class Stream, class T>
void nt_xent_row_sums(Stream stream, const NtXentShape& s, double sharpness, const T* zt, const T* tau,
                      T* sum, T* top) {
  using S = Tiling<Stream, T>;
  launch<row_sums_kernel<S, T>>(stream, similarity_grid<S>(s), s, similarity_part(s), T(sharpness), zt, tau,
                                sum, top);
}

template <class Stream, class T>
void nt_xent_rows(Stream stream, const NtXentShape& s, const T* z, const T* norm, const T* tau, const T* sum,
                  const T* split_top, T* loss, T* top, T* weight, T* pull) {
  constexpr int NT = threads<Stream>(128);
  launch<rows_kernel<NT, T>>(stream, warp_rows_grid<NT>(s.rows), s, similarity_splits(s), z, norm, tau, sum,
                             split_top, loss, top, weight, pull);
}

template <class Stream, class T>
void nt_xent_negatives(Stream stream, const NtXentShape& s, const Negatives& n, const T* z, const T* norm,
                       const T* tau, const T* sum, const T* split_top, const T* flat_sum,
                       const T* flat_split_top, const T* positive_weight, T* loss, T* top, T* weight, T* pull,
                       T* flat_top, T* flat_weight, T* clamped) {
  constexpr int NT = threads<Stream>(128);
  launch<negatives_kernel<NT, T>>(stream, warp_rows_grid<NT>(s.rows), s, similarity_splits(s), n, z, norm,
                                  tau, sum, split_top, flat_sum, flat_split_top, positive_weight, loss, top,
                                  weight, pull, flat_top, flat_weight, clamped);
}

template <class Stream, class T>
void nt_xent_backward(Stream stream, const NtXentShape& s, double sharpness, bool accumulate, const T* z,
                      const T* zt, const T* tau, const T* top, const T* weight, const T* pull, T* dz) {
  using S = Tiling<Stream, T>;
  launch<backward_kernel<S, T>>(stream, similarity_grid<S>(s), s, similarity_part(s), T(sharpness),
                                accumulate, z, zt, tau, top, weight, pull, dz);
}

template <class Stream, class T>
void nt_xent_jacobian(Stream stream, const NtXentShape& s, const T* z, const T* norm, const T* tau,
                      const T* dy, const T* clamped, T* dz, T* dh, bool accumulate, T* dtau) {
  constexpr int NT = threads<Stream>(128);
  if (accumulate)
    launch<jacobian_kernel<NT, true, T>>(stream, warp_rows_grid<NT>(s.rows), s, similarity_splits(s), z, norm,
                                         tau, dy, clamped, dz, dh, dtau);
  else
    launch<jacobian_kernel<NT, false, T>>(stream, warp_rows_grid<NT>(s.rows), s, similarity_splits(s), z,
                                          norm, tau, dy, clamped, dz, dh, dtau);
}

INSTANTIATE(nt_xent_row_sums)
INSTANTIATE(nt_xent_rows)
INSTANTIATE(nt_xent_negatives)
INSTANTIATE(nt_xent_backward)
INSTANTIATE(nt_xent_jacobian)

}  // namespace kernels
