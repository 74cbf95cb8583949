// SupCon (Khosla et al. 2020, L_out): NT-Xent's tile loop, in which rows of one class attract each other too.
// The formulas are derived in docs/kernels/nt_xent.md, "Labels".
//
// Labels are compared where the similarities are: in a tile. A row's partner, the other view of its image, is
// left out of the sums as in NT-Xent, so that without another image of its class the loss is NT-Xent's to the
// last digits.
#include "kernels/tiles/view_pairs.h"

namespace kernels {
namespace {

// Calls f(r, c) for the elements of the tile of own rows i .. i + TM and columns j .. j + TN whose row and
// column are of one class.
template <int TM, int TN, class F>
__device__ __forceinline__ void for_one_class(const NtXentShape& shape, std::int64_t i, std::int64_t j,
                                              const std::int32_t* labels, const F& f) {
  std::int32_t column_label[TN];
  for (int c = 0; c < TN; ++c) column_label[c] = labels[j + c < shape.columns ? j + c : shape.columns - 1];
  UNROLL for (int r = 0; r < TM; ++r) {
    const std::int64_t row = shape.first + (i + r < shape.rows ? i + r : shape.rows - 1);
    const std::int32_t row_label = labels[row];
    for (int c = 0; c < TN; ++c)
      if (column_label[c] == row_label) f(r, c);
  }
}

// The sums of 1 - s of a block's rows over the columns of their class.
template <class S, class A>
struct ClassDistances {
  A sum[S::GROUPS][S::TM];

  __device__ ClassDistances() {
    for (int g = 0; g < S::GROUPS; ++g) UNROLL for (int r = 0; r < S::TM; ++r) sum[g][r] = A(0);
  }
  // of the block's tile at row i0 and column j0, of which this is the thread's tile t; hidden elements do not
  // count
  __device__ __forceinline__ void add(const NtXentShape& shape, std::int64_t i0, std::int64_t j0,
                                      const std::int32_t* labels, int t, const A (&s)[S::TM][S::TN]) {
    const Corner at = corner<S>(t);
    A(&sums)[S::TM] = sum[S::NT == 1 ? at.row / S::TM : 0];
    for_one_class<S::TM, S::TN>(shape, i0 + at.row, j0 + at.column, labels, [&](int r, int c) {
      sums[r] += s[r][c] > lowest<A> ? A(1) - s[r][c] : A(0);
    });
  }
  __device__ __forceinline__ void store(std::int64_t rows, std::int64_t i0, A* to) {
    for (int g = 0; g < S::GROUPS; ++g) UNROLL for (int r = 0; r < S::TM; ++r) {
        if constexpr (S::NT > 1)
          for (int mask = S::TX / 2; mask > 0; mask /= 2)
            sum[g][r] += __shfl_xor_sync(0xffffffffu, sum[g][r], mask);
        const std::int64_t i = i0 + (S::NT == 1 ? g * S::TM : corner<S>(0).row) + r;
        if (i < rows && threadIdx.x % S::TX == 0) to[blockIdx.y * rows + i] = sum[g][r];
      }
  }
};

template <class S, class A>
__global__ void __launch_bounds__(S::NT)
    sup_con_row_sums_kernel(NtXentShape shape, std::int64_t part, const A* zt, const std::int32_t* labels,
                            const A* tau, A* sum, A* top, A* distance) {
  SHARED(A, shared, [S::BK * (S::BM + S::BN)]);
  const Temperature<A> temperature(tau[0]);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  RowSums<S, A> sums(temperature);
  ClassDistances<S, A> distances;

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, own_rows(shape, zt), shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      hide_special(shape, i0 + at.row, j0 + at.column, s[t]);
      distances.add(shape, i0, j0, labels, t, s[t]);
      sums.add(temperature, t, s[t]);
    }
  }
  sums.store(temperature, shape.rows, i0, sum, top);
  distances.store(shape.rows, i0, distance);
}

// A warp a row: its loss, weight, pull and share.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    sup_con_rows_kernel(NtXentShape shape, int splits, const A* z, const A* norm, const std::int32_t* labels,
                        const A* tau, const A* sum, const A* split_top, const A* class_distance, A* loss,
                        A* top, A* weight, A* pull, A* share) {
  const std::int64_t i = warp_row<NT>();
  if (i >= shape.rows) return;
  const std::int64_t p = partner(shape, i);
  const bool unit = norm[i] > A(nt_xent_eps) && norm[p - shape.first] > A(nt_xent_eps);
  const A distance =
      positive_distance<NT>(shape.d, Positive<A>{z + (shape.first + i) * shape.d, z + p * shape.d, unit});
  std::int32_t of_class = 0;  // the rows of the class, this one included
  for (std::int64_t j = row_thread<NT>(); j < shape.columns; j += row_threads<NT>)
    of_class += labels[j] == labels[shape.first + i] ? 1 : 0;
  of_class = warp_sum<NT>(of_class);
  if (row_thread<NT>() != 0) return;

  finish_row(shape, splits, i, distance, tau, sum, split_top, loss, top, weight, pull);
  A others = A(0);  // the sum of 1 - s over the positives that are not the partner
  for (int k = 0; k < splits; ++k) others += class_distance[k * shape.rows + i];
  const A positives = A(of_class - 1), more = A(of_class - 2);
  loss[i] += Temperature<A>(tau[0]).a * (others - more * distance) / positives;
  pull[i] -= more / positives;
  share[i] = A(1) / positives;
}

template <class S, class A>
__global__ void __launch_bounds__(S::NT, 3)
    sup_con_backward_kernel(NtXentShape shape, std::int64_t part, const A* z, const A* zt,
                            const std::int32_t* labels, const A* tau, const A* top, const A* weight,
                            const A* pull, const A* share, A* dz) {
  SHARED(A, shared, [S::shared_size]);
  SHARED(A, weights, [S::g_size]);
  const Temperature<A> temperature(tau[0]);
  const Split split(shape, part);
  const std::int64_t i0 = std::int64_t(blockIdx.x) * S::BM;
  dz += (blockIdx.y * shape.rows + i0) * shape.d;

  A s[S::TILES][S::TM][S::TN];
  for (std::int64_t j0 = split.begin; j0 < split.end; j0 += S::BN) {
    similarities<S>(shape, i0, j0, own_rows(shape, zt), shared, s);
    for (int t = 0; t < S::TILES; ++t) {
      const Corner at = corner<S>(t);
      const std::int64_t i = i0 + at.row, j = j0 + at.column;
      to_weights(shape, temperature, i, j, top, weight, s[t]);
      // the shares of both rows are equal, since their class is
      for_one_class<S::TM, S::TN>(shape, i, j, labels, [&](int r, int c) {
        s[t][r][c] -= A(2) * share[i + r < shape.rows ? i + r : shape.rows - 1];
      });
      set_special(shape, i, j, pull, s[t]);
      store_weights<S>(t, s[t], weights);
    }
    multiply_weights<S>(shape.rows - i0, split.end - j0, shape.d, weights, z + j0 * shape.d, shared,
                        j0 > split.begin, dz);
  }
}

}  // namespace

template <class Stream, class T>
void sup_con_row_sums(Stream stream, const NtXentShape& s, const T* zt, const std::int32_t* labels,
                      const T* tau, T* sum, T* top, T* distance) {
  using S = Tiling<Stream, T>;
  launch<sup_con_row_sums_kernel<S, T>>(stream, similarity_grid<S>(s), s, similarity_part(s), zt, labels, tau,
                                        sum, top, distance);
}

template <class Stream, class T>
void sup_con_rows(Stream stream, const NtXentShape& s, const T* z, const T* norm, const std::int32_t* labels,
                  const T* tau, const T* sum, const T* split_top, const T* distance, T* loss, T* top,
                  T* weight, T* pull, T* share) {
  constexpr int NT = threads<Stream>(128);
  launch<sup_con_rows_kernel<NT, T>>(stream, warp_rows_grid<NT>(s.rows), s, similarity_splits(s), z, norm,
                                     labels, tau, sum, split_top, distance, loss, top, weight, pull, share);
}

template <class Stream, class T>
void sup_con_backward(Stream stream, const NtXentShape& s, const T* z, const T* zt,
                      const std::int32_t* labels, const T* tau, const T* top, const T* weight, const T* pull,
                      const T* share, T* dz) {
  using S = Tiling<Stream, T>;
  launch<sup_con_backward_kernel<S, T>>(stream, similarity_grid<S>(s), s, similarity_part(s), z, zt, labels,
                                        tau, top, weight, pull, share, dz);
}

INSTANTIATE(sup_con_row_sums)
INSTANTIATE(sup_con_rows)
INSTANTIATE(sup_con_backward)

}  // namespace kernels
