// Batch normalization forward: statistics of slabs of rows, their merge, and the pass that applies them.
#include "kernels/kernels.h"
#include "kernels/rows.h"

namespace kernels {
namespace {

// Mean and sum of squared deviations of a slab, as sums of x - pivot with the slab's first row as the pivot:
// s = sum (x - p), q = sum (x - p)^2: mean = p + s/n, M2 = q - s^2/n. Unlike E[x^2] - E[x]^2 this does not
// cancel for channels whose mean is large beside their deviation.

template <class T, class A>
__device__ __forceinline__ void add_row(int width, const T* __restrict__ x, const A* __restrict__ pivot,
                                        A* __restrict__ s, A* __restrict__ q) {
  for (int i = 0; i < width; ++i) {
    const A v = A(x[i]) - pivot[i];
    s[i] += v;
    q[i] += v * v;
  }
}

template <class T, class A>
__device__ __forceinline__ void add_four_rows(int width, std::int64_t length, const T* __restrict__ x,
                                              const A* __restrict__ pivot, A* __restrict__ s,
                                              A* __restrict__ q) {
  const T *x1 = x + length, *x2 = x1 + length, *x3 = x2 + length;
  for (int i = 0; i < width; ++i) {
    const A v0 = A(x[i]) - pivot[i], v1 = A(x1[i]) - pivot[i], v2 = A(x2[i]) - pivot[i],
            v3 = A(x3[i]) - pivot[i];
    s[i] += (v0 + v1) + (v2 + v3);
    q[i] += (v0 * v0 + v1 * v1) + (v2 * v2 + v3 * v3);
  }
}

template <class A, class T>
__device__ __forceinline__ void host_statistics(std::int64_t n, std::int64_t C, const T* __restrict__ x,
                                                A* __restrict__ partial) {
  const std::int64_t length = joined_row(C);
  alignas(64) A pivot[widest_row], s[widest_row], q[widest_row];
  for (std::int64_t c0 = 0; c0 < C; c0 += widest_row) {
    const int width = int(length - c0 < widest_row ? length - c0 : widest_row);
    for (int i = 0; i < width; ++i) pivot[i] = A(x[c0 + i < C ? c0 + i : (c0 + i) % C]);
    for (int i = 0; i < width; ++i) s[i] = q[i] = A(0);

    const std::int64_t full = n * C / length, rest = n * C - full * length;
    std::int64_t r = 0;
    for (; r + 4 <= full; r += 4) add_four_rows(width, length, x + r * length + c0, pivot, s, q);
    for (; r < full; ++r) add_row(width, x + r * length + c0, pivot, s, q);
    add_row(int(rest), x + full * length, pivot, s, q);

    const int channels = int(C - c0 < width ? C - c0 : width);
    for (int i = channels; i < width; ++i) {
      s[i % channels] += s[i];
      q[i % channels] += q[i];
    }
    for (int i = 0; i < channels; ++i) {
      const A square = q[i] - s[i] * s[i] / A(n);
      partial[c0 + i] = pivot[i] + s[i] / A(n);
      partial[C + c0 + i] = square > A(0) ? square : A(0);
    }
  }
  partial[2 * C] = A(n);
}

template <int NT, int V, class T>
__global__ void __launch_bounds__(NT)
    statistics_kernel(std::int64_t R, std::int64_t C, std::int64_t slab, const T* __restrict__ x,
                      acc_t<T>* __restrict__ partials) {
  using A = acc_t<T>;
  const std::int64_t first = blockIdx.x * slab, end = first + slab < R ? first + slab : R, n = end - first;
  A* partial = partials + blockIdx.x * (2 * C + 1);
  if constexpr (NT == 1) {
    host_statistics(n, C, x + first * C, partial);
  } else {
    const Place<NT, V> place(C);
    A pivot[V] = {}, s[V] = {}, q[V] = {};
    if (place.active) {
      const Pack<T, V> p = load_pack<V>(x + first * C + place.c);
      for (int v = 0; v < V; ++v) pivot[v] = A(p.v[v]);
      for_rows<4>(first + place.row, end, place.rows, [&](std::int64_t r) {
        const Pack<T, V> p = load_pack<V>(x + r * C + place.c);
        for (int v = 0; v < V; ++v) {
          const A d = A(p.v[v]) - pivot[v];
          s[v] += d;
          q[v] += d * d;
        }
      });
    }
    sum_over_rows(place, s);
    sum_over_rows(place, q);
    if (place.active && place.row == 0)
      for (int v = 0; v < V; ++v) {
        const A square = q[v] - s[v] * s[v] / A(n);
        partial[place.c + v] = pivot[v] + s[v] / A(n);
        partial[C + place.c + v] = square > A(0) ? square : A(0);
      }
    if (threadIdx.x == 0 && blockIdx.y == 0) partial[2 * C] = A(n);
  }
}

// Merging two groups (Chan, Golub & LeVeque 1979): with d = mean_b - mean_a and n = n_a + n_b,
// mean = mean_a + d n_b / n, M2 = M2_a + M2_b + d^2 n_a n_b / n. W channels of equal counts at once.
template <class A, int W>
struct Moments {
  A n, mean[W], m2[W];
  __device__ __forceinline__ void merge(int width, A n_b, const A* __restrict__ mean_b,
                                        const A* __restrict__ m2_b) {
    if (n_b == A(0)) return;
    const A share = n_b / (n + n_b), weight = n * share;
    for (int i = 0; i < width; ++i) {
      const A d = mean_b[i] - mean[i];
      mean[i] += d * share;
      m2[i] += m2_b[i] + d * d * weight;
    }
    n += n_b;
  }
};

// Calls f(c, n, mean, m2) for each channel of this block. On the GPU neighbouring threads take neighbouring
// channels and the lanes of a channel take every lanes-th part each, merged in order of lane.
template <int NT, class A, class F>
__device__ __forceinline__ void merge_parts(std::int64_t parts, std::int64_t C,
                                            const A* __restrict__ partials, F f) {
  constexpr int channels = merged_channels<NT>, W = NT == 1 ? channels : 1,
                lanes = NT == 1 ? 1 : NT / channels;
  const int column = NT == 1 ? 0 : int(threadIdx.x) % channels,
            lane = NT == 1 ? 0 : int(threadIdx.x) / channels;
  const std::int64_t c = std::int64_t(blockIdx.x) * channels + column, row = 2 * C + 1;
  const int width = C <= c ? 0 : C - c < W ? int(C - c) : W;
  Moments<A, W> moments = {};
  for (std::int64_t p = lane; p < parts; p += lanes) {
    const A* part = partials + p * row;
    moments.merge(width, part[2 * C], part + c, part + C + c);
  }
  if constexpr (NT > 1) {
    SHARED(A, shared, [3][lanes][channels]);
    shared[0][lane][column] = moments.n;
    shared[1][lane][column] = moments.mean[0];
    shared[2][lane][column] = moments.m2[0];
    __syncthreads();
    if (lane > 0) return;
    for (int l = 1; l < lanes; ++l)
      moments.merge(1, shared[0][l][column], &shared[1][l][column], &shared[2][l][column]);
  }
  for (int i = 0; i < width; ++i) f(c + i, moments.n, moments.mean[i], moments.m2[i]);
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

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    running_kernel(std::int64_t C, A eps, const A* running_mean, const A* running_var, A* statistics) {
  for_each<NT>(C, [=](std::int64_t c) {
    statistics[c] = running_mean[c];
    statistics[C + c] = A(1) / sqrt(running_var[c] + eps);
    if (c == 0) statistics[2 * C] = A(1);
  });
}

template <bool Relu, bool Residual, class T, class A>
__device__ __forceinline__ void apply_row(int width, const T* __restrict__ x, const T* __restrict__ residual,
                                          const A* __restrict__ mean, const A* __restrict__ scale,
                                          const A* __restrict__ bias, T* __restrict__ y) {
  for (int i = 0; i < width; ++i) {
    A v = (A(x[i]) - mean[i]) * scale[i] + bias[i];
    if (Residual) v += A(residual[i]);
    if (Relu) v = v < A(0) ? A(0) : v;  // NaN stays NaN
    y[i] = T(v);
  }
}

// Slabs in descending order: what the statistics read last is still in the cache.
template <int NT, int V, bool Relu, bool Residual, class T>
__global__ void __launch_bounds__(NT)
    apply_kernel(std::int64_t R, std::int64_t C, std::int64_t slab, const T* __restrict__ x,
                 const acc_t<T>* __restrict__ statistics, const acc_t<T>* __restrict__ weight,
                 const acc_t<T>* __restrict__ bias, const T* __restrict__ residual, T* __restrict__ y) {
  using A = acc_t<T>;
  const std::int64_t first = (gridDim.x - 1 - blockIdx.x) * slab, end = first + slab < R ? first + slab : R;
  if constexpr (NT == 1) {
    const std::int64_t length = joined_row(C);
    alignas(64) A m[widest_row], a[widest_row], b[widest_row];
    for (std::int64_t c0 = 0; c0 < C; c0 += widest_row) {
      const int width = int(length - c0 < widest_row ? length - c0 : widest_row);
      for (int i = 0; i < width; ++i) {
        const std::int64_t c = c0 + i < C ? c0 + i : (c0 + i) % C;
        m[i] = statistics[c];
        a[i] = weight[c] * statistics[C + c];
        b[i] = bias[c];
      }
      for_joined_rows(end - first, C, c0, width, [&](std::int64_t offset, int w) {
        const std::int64_t o = first * C + offset;
        apply_row<Relu, Residual>(w, x + o, Residual ? residual + o : nullptr, m, a, b, y + o);
      });
    }
  } else {
    const Place<NT, V> place(C);
    if (!place.active) return;
    A m[V], a[V], b[V];
    for (int v = 0; v < V; ++v) {
      m[v] = statistics[place.c + v];
      a[v] = weight[place.c + v] * statistics[C + place.c + v];
      b[v] = bias[place.c + v];
    }
    for_rows<4>(first + place.row, end, place.rows, [&](std::int64_t r) {
      const std::int64_t o = r * C + place.c;
      Pack<T, V> p = load_pack<V>(x + o), q{};
      if (Residual) q = load_pack<V>(residual + o);
      for (int v = 0; v < V; ++v) {
        A u = (A(p.v[v]) - m[v]) * a[v] + b[v];
        if (Residual) u += A(q.v[v]);
        if (Relu) u = u < A(0) ? A(0) : u;
        p.v[v] = T(u);
      }
      store_pack<V>(y + o, p);
    });
  }
}

template <bool Relu, bool Residual, class Stream, class T>
void launch_apply(Stream stream, const Grid& grid, int V, std::int64_t R, std::int64_t C, std::int64_t slab,
                  const T* x, const acc_t<T>* statistics, const acc_t<T>* weight, const acc_t<T>* bias,
                  const T* residual, T* y) {
  constexpr int NT = threads<Stream>(256), most = NT == 1 ? 1 : 16 / sizeof(T);
  if (V == most)
    launch<apply_kernel<NT, most, Relu, Residual, T>>(stream, grid, R, C, slab, x, statistics, weight, bias,
                                                      residual, y);
  else
    launch<apply_kernel<NT, 1, Relu, Residual, T>>(stream, grid, R, C, slab, x, statistics, weight, bias,
                                                   residual, y);
}

}  // namespace

template <class Stream, class T>
void batch_norm_statistics(Stream stream, std::int64_t R, std::int64_t C, const T* x, acc_t<T>* partials) {
  constexpr int NT = threads<Stream>(256), most = NT == 1 ? 1 : 16 / sizeof(T);
  const std::int64_t slabs = row_slabs(R, C), slab = ceil_div(R, slabs);
  const int V = NT == 1 ? 1 : pack_width<T>(C);
  const Grid grid = rows_grid<NT>(slabs, C, V);
  if (V == most)
    launch<statistics_kernel<NT, most, T>>(stream, grid, R, C, slab, x, partials);
  else
    launch<statistics_kernel<NT, 1, T>>(stream, grid, R, C, slab, x, partials);
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
  const std::int64_t slabs = row_slabs(R, C), slab = ceil_div(R, slabs);
  const int V = NT == 1 ? 1 : pack_width<T>(C);
  const Grid grid = rows_grid<NT>(slabs, C, V);
  const auto go =
      relu ? (residual ? launch_apply<true, true, Stream, T> : launch_apply<true, false, Stream, T>)
           : (residual ? launch_apply<false, true, Stream, T> : launch_apply<false, false, Stream, T>);
  go(stream, grid, V, R, C, slab, x, statistics, weight, bias, residual, y);
}

INSTANTIATE_WITH_BF16(batch_norm_statistics)
INSTANTIATE(batch_norm_merge)
INSTANTIATE(batch_norm_finalize)
INSTANTIATE(batch_norm_running)
INSTANTIATE_WITH_BF16(batch_norm_apply)

}  // namespace kernels
