// Batch normalization forward: statistics of slabs of rows, their merge, and the pass that applies them.
#include "kernels/kernels.h"
#include "kernels/tiles/packs.h"
#include "kernels/tiles/rows.h"

namespace kernels {
namespace {

// Mean and sum of squared deviations of a slab, as sums of x - pivot with the slab's first row as the pivot:
// s = sum (x - p), q = sum (x - p)^2: mean = p + s/n, M2 = q - s^2/n. Unlike E[x^2] - E[x]^2 this does not
// cancel for channels whose mean is large beside their deviation.
template <int NT, int V, class T>
__global__ void __launch_bounds__(NT)
    statistics_kernel(std::int64_t R, std::int64_t C, std::int64_t height, const T* __restrict__ x,
                      acc_t<T>* __restrict__ partials) {
  using A = acc_t<T>;
  const std::int64_t first = blockIdx.x * height, end = first + height < R ? first + height : R;
  A* partial = partials + blockIdx.x * (2 * C + 1);
  if constexpr (NT == 1)
    for (std::int64_t i = 0; i < 2 * C; ++i) partial[i] = A(0);

  for_tiles<NT, V, A>(first, end, C, [&]<int N, int L>(TileShape<N, L>, const TilePlace& place) {
    const Tile<A, N, L> pivot = load_channels<N, L>(x + first * C, place.c, C);
    Tile<A, N, L> s{}, q{};
    for_rows<L == 1 ? 4 : 1>(place, [&](std::int64_t offset) {
      const Tile<A, N, L> t = load_tile<N, L>(x + offset);
      UNROLL for (int i = 0; i < N; ++i) {
        const auto d = t.v[i] - pivot.v[i];
        s.v[i] += d;
        q.v[i] += d * d;
      }
    });
    add_up<NT>(s, place.c, C, partial);
    add_up<NT>(q, place.c, C, partial + C);
  });

  __syncthreads();  // enough, since no other block writes this block's channels of the slab
  const A n = A(end - first);
  for_own_channels<NT, V>(C, [=](std::int64_t c) {
    const A s = partial[c], m2 = partial[C + c] - s * s / n;
    partial[c] = A(x[first * C + c]) + s / n;
    partial[C + c] = m2 > A(0) ? m2 : A(0);
  });
  if (threadIdx.x == 0 && blockIdx.y == 0) partial[2 * C] = n;
}

// Calls f(c, n, mean, m2) for each channel of this block: the moments of all rows from those of parts, whose
// counts may differ (Chan, Golub & LeVeque 1979, for any number of groups):
//   mean = sum n_p mean_p / n,  M2 = sum M2_p + sum n_p (mean_p - mean)^2.
// The means are summed as differences to that of part 0: sums of large means would round the differences
// away. On the GPU neighbouring threads take neighbouring channels, and each of a channel's `lanes` threads
// takes every lanes-th part. The loops contain no division, so that loads of several parts are in flight
// together.
template <int NT, class A, class F>
__device__ __forceinline__ void merge_parts(std::int64_t parts, std::int64_t C,
                                            const A* __restrict__ partials, F f) {
  constexpr int channels = merged_channels<NT>, W = NT == 1 ? channels : 1,
                lanes = NT == 1 ? 1 : NT / channels;
  const int column = NT == 1 ? 0 : int(threadIdx.x) % channels,
            lane = NT == 1 ? 0 : int(threadIdx.x) / channels;
  const std::int64_t c = std::int64_t(blockIdx.x) * channels + column, row = 2 * C + 1;
  const int width = C <= c ? 0 : C - c < W ? int(C - c) : W;
  SHARED(A, shared, [3][lanes][channels]);

  A n = A(0), mean[W] = {}, m2[W] = {}, between[W] = {};
  for (std::int64_t p = lane; p < parts; p += lanes) {
    const A* part = partials + p * row;
    const A count = part[2 * C];
    n += count;
    for (int i = 0; i < width; ++i) {
      mean[i] += count * (part[c + i] - partials[c + i]);
      m2[i] += part[C + c + i];
    }
  }
  if constexpr (NT > 1) {
    shared[0][lane][column] = n;
    shared[1][lane][column] = mean[0];
    shared[2][lane][column] = m2[0];
    __syncthreads();
    n = mean[0] = m2[0] = A(0);
    for (int l = 0; l < lanes; ++l) {
      n += shared[0][l][column];
      mean[0] += shared[1][l][column];
      m2[0] += shared[2][l][column];
    }
    __syncthreads();
  }
  for (int i = 0; i < width; ++i) mean[i] = partials[c + i] + mean[i] / n;

  for (std::int64_t p = lane; p < parts; p += lanes) {
    const A* part = partials + p * row;
    const A count = part[2 * C];
    for (int i = 0; i < width; ++i) {
      const A d = part[c + i] - mean[i];
      between[i] += count * d * d;
    }
  }
  if constexpr (NT > 1) {
    shared[0][lane][column] = between[0];
    __syncthreads();
    if (lane > 0) return;
    for (int l = 1; l < lanes; ++l) between[0] += shared[0][l][column];
  }
  for (int i = 0; i < width; ++i) f(c + i, n, mean[i], m2[i] + between[i]);
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    merge_kernel(std::int64_t parts, std::int64_t C, const A* partials, A* merged) {
  merge_parts<NT>(parts, C, partials, [=](std::int64_t c, A n, A mean, A m2) {
    merged[c] = mean;
    merged[C + c] = m2;
    if (c == 0) merged[2 * C] = n;
  });
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    finalize_kernel(std::int64_t parts, std::int64_t C, A momentum, A eps, const A* partials, A* statistics,
                    A* running_mean, A* running_var, std::int64_t* num_batches_tracked) {
  merge_parts<NT>(parts, C, partials, [=](std::int64_t c, A n, A mean, A m2) {
    statistics[c] = mean;
    statistics[C + c] = A(1) / sqrt(m2 / n + eps);
    const A unbiased = m2 / (n > A(1) ? n - A(1) : A(1));
    running_mean[c] += momentum * (mean - running_mean[c]);
    running_var[c] += momentum * (unbiased - running_var[c]);
    if (c == 0) {
      statistics[2 * C] = n;
      ++*num_batches_tracked;
    }
  });
}

// Of one group: running = keep running + share (that of the group).
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    finalize_group_kernel(std::int64_t parts, std::int64_t C, A keep, A share, A eps, const A* partials,
                          A* statistics, A* running_mean, A* running_var, std::int64_t* num_batches_tracked) {
  merge_parts<NT>(parts, C, partials, [=](std::int64_t c, A n, A mean, A m2) {
    statistics[c] = mean;
    statistics[C + c] = A(1) / sqrt(m2 / n + eps);
    const A unbiased = m2 / (n > A(1) ? n - A(1) : A(1));
    running_mean[c] = keep * running_mean[c] + share * mean;
    running_var[c] = keep * running_var[c] + share * unbiased;
    if (c != 0) return;
    statistics[2 * C] = n;
    if (keep < A(1)) ++*num_batches_tracked;
  });
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    running_kernel(std::int64_t C, A eps, const A* running_mean, const A* running_var, A* statistics) {
  for_each<NT>(C, [=](std::int64_t c) {
    statistics[c] = running_mean[c];
    statistics[C + c] = A(1) / sqrt(running_var[c] + eps);
    if (c == 0) statistics[2 * C] = A(1);
  });
}

// Takes the slabs in descending order: the last ones that the statistics read are still in the cache.
template <int NT, int V, bool Relu, bool Residual, class T>
__global__ void __launch_bounds__(NT)
    apply_kernel(std::int64_t R, std::int64_t C, std::int64_t height, const T* __restrict__ x,
                 const acc_t<T>* __restrict__ statistics, const acc_t<T>* __restrict__ weight,
                 const acc_t<T>* __restrict__ bias, const T* __restrict__ residual, T* __restrict__ y) {
  using A = acc_t<T>;
  const std::int64_t first = (gridDim.x - 1 - blockIdx.x) * height,
                     end = first + height < R ? first + height : R;
  for_tiles<NT, V, A>(first, end, C, [&]<int N, int L>(TileShape<N, L>, const TilePlace& place) {
    const Tile<A, N, L> mean = load_channels<N, L>(statistics, place.c, C);
    const Tile<A, N, L> rstd = load_channels<N, L>(statistics + C, place.c, C);
    const Tile<A, N, L> b = load_channels<N, L>(bias, place.c, C);
    Tile<A, N, L> scale = load_channels<N, L>(weight, place.c, C);
    UNROLL for (int i = 0; i < N; ++i) scale.v[i] *= rstd.v[i];
    const bool past = past_cache<Vector<A, L>>(y, R * C, C);
    for_rows<L == 1 ? 2 : 1>(place, [&](std::int64_t offset) {
      Tile<A, N, L> t = load_tile<N, L>(x + offset), r{};
      if (Residual) r = load_tile<N, L>(residual + offset);
      UNROLL for (int i = 0; i < N; ++i) {
        t.v[i] = (t.v[i] - mean.v[i]) * scale.v[i] + b.v[i];
        if (Residual) t.v[i] += r.v[i];
        if (Relu) t.v[i] = zero_below(t.v[i]);
      }
      store_tile<N, L>(y + offset, t, past);
    });
  });
}

}  // namespace

template <class Stream, class T>
void batch_norm_statistics(Stream stream, std::int64_t R, std::int64_t C, const T* x, acc_t<T>* partials) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t height = slab_height(R, C);
  choose_pack<Stream, T>(
      C,
      [=](auto V) {
        const Grid grid = rows_grid<NT>(row_slabs(R, C), C, V, "batch_norm_statistics");
        launch<statistics_kernel<NT, V, T>>(stream, grid, R, C, height, x, partials);
      },
      x);
}

template <class Stream, class A>
void batch_norm_merge(Stream stream, std::int64_t parts, std::int64_t C, const A* partials, A* merged) {
  constexpr int NT = threads<Stream>(512);
  const Grid grid{dim3(unsigned(ceil_div(C, merged_channels<NT>))), dim3(NT)};
  launch<merge_kernel<NT, A>>(stream, grid, parts, C, partials, merged);
}

template <class Stream, class A>
void batch_norm_finalize(Stream stream, std::int64_t parts, std::int64_t C, double momentum, double eps,
                         const A* partials, A* statistics, A* running_mean, A* running_var,
                         std::int64_t* num_batches_tracked) {
  constexpr int NT = threads<Stream>(512);
  const Grid grid{dim3(unsigned(ceil_div(C, merged_channels<NT>))), dim3(NT)};
  launch<finalize_kernel<NT, A>>(stream, grid, parts, C, A(momentum), A(eps), partials, statistics,
                                 running_mean, running_var, num_batches_tracked);
}

template <class Stream, class A>
void batch_norm_finalize_group(Stream stream, std::int64_t parts, std::int64_t C, int group, int groups,
                               double momentum, double eps, const A* partials, A* statistics, A* running_mean,
                               A* running_var, std::int64_t* num_batches_tracked) {
  constexpr int NT = threads<Stream>(512);
  const Grid grid{dim3(unsigned(ceil_div(C, merged_channels<NT>))), dim3(NT)};
  const double keep = group == 0 ? 1 - momentum : 1;
  launch<finalize_group_kernel<NT, A>>(stream, grid, parts, C, A(keep), A(momentum / groups), A(eps),
                                       partials, statistics, running_mean, running_var, num_batches_tracked);
}

template <class Stream, class A>
void batch_norm_running(Stream stream, std::int64_t C, double eps, const A* running_mean,
                        const A* running_var, A* statistics) {
  constexpr int NT = threads<Stream>(256);
  launch<running_kernel<NT, A>>(stream, grid_for<NT>(C), C, A(eps), running_mean, running_var, statistics);
}

template <class Stream, class T>
void batch_norm_apply(Stream stream, std::int64_t R, std::int64_t C, bool relu, const T* x,
                      const acc_t<T>* statistics, const acc_t<T>* weight, const acc_t<T>* bias,
                      const T* residual, T* y) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t height = strip_height<NT>(R, C);
  choose_pack<Stream, T>(
      C,
      [=]<int V>(std::integral_constant<int, V>) {
        const Grid grid = rows_grid<NT>(ceil_div(R, height), C, V, "batch_norm_apply");
        const auto apply = [&]<bool Relu, bool Residual>(std::bool_constant<Relu>,
                                                         std::bool_constant<Residual>) {
          launch<apply_kernel<NT, V, Relu, Residual, T>>(stream, grid, R, C, height, x, statistics, weight,
                                                         bias, residual, y);
        };
        constexpr std::true_type yes;
        constexpr std::false_type no;
        if (relu)
          residual ? apply(yes, yes) : apply(yes, no);
        else
          residual ? apply(no, yes) : apply(no, no);
      },
      x, statistics, weight, bias, residual, y);
}

INSTANTIATE_WITH_BF16(batch_norm_statistics)
INSTANTIATE(batch_norm_merge)
INSTANTIATE(batch_norm_finalize)
INSTANTIATE(batch_norm_finalize_group)
INSTANTIATE(batch_norm_running)
INSTANTIATE_WITH_BF16(batch_norm_apply)

}  // namespace kernels
