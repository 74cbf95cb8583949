// Batch normalization backward. With dy' = dy where the ReLU let through, xhat = (x - mean) rstd, n rows:
//   dbias = sum dy',  dweight = sum dy' xhat,
//   dx = weight rstd (dy' - dbias / n - xhat dweight / n),  d(residual) = dy'.
#include "kernels/kernels.h"
#include "kernels/rows.h"

namespace kernels {
namespace {

// Where the mask of the ReLU comes from: there is none; weight xhat + bias > 0, which saves reading y; or
// y > 0, when a residual was added.
enum class Mask { none, x, y };

template <Mask M, class A>
__device__ __forceinline__ A masked(A d, A normalized, A y) {
  if (M == Mask::x) return normalized <= A(0) ? A(0) : d;
  if (M == Mask::y) return y <= A(0) ? A(0) : d;
  return d;
}

template <Mask M, bool Write, class T, class A>
__device__ __forceinline__ void reduce_row(int width, const T* __restrict__ x, const T* __restrict__ y,
                                           const T* __restrict__ dy, const A* __restrict__ mean,
                                           const A* __restrict__ scale, const A* __restrict__ bias,
                                           A* __restrict__ s, A* __restrict__ q, T* __restrict__ out) {
  for (int i = 0; i < width; ++i) {
    const A v = A(x[i]) - mean[i];
    const A d =
        masked<M>(A(dy[i]), M == Mask::x ? v * scale[i] + bias[i] : A(0), M == Mask::y ? A(y[i]) : A(0));
    s[i] += d;
    q[i] += d * v;
    if (Write) out[i] = T(d);
  }
}

// partials[s] = (sum dy', sum dy' xhat) of slab s; Write: the masked dy' is kept too.
template <int NT, int V, Mask M, bool Write, class T>
__global__ void __launch_bounds__(NT)
    reduce_kernel(std::int64_t R, std::int64_t C, std::int64_t slab, const T* __restrict__ x,
                  const T* __restrict__ y, const T* __restrict__ dy, const acc_t<T>* __restrict__ statistics,
                  const acc_t<T>* __restrict__ weight, const acc_t<T>* __restrict__ bias, T* __restrict__ out,
                  acc_t<T>* __restrict__ partials) {
  using A = acc_t<T>;
  const std::int64_t first = blockIdx.x * slab, end = first + slab < R ? first + slab : R;
  A* partial = partials + blockIdx.x * (2 * C);
  if constexpr (NT == 1) {
    const std::int64_t length = joined_row(C);
    alignas(64) A m[widest_row], a[widest_row], b[widest_row], s[widest_row], q[widest_row];
    for (std::int64_t c0 = 0; c0 < C; c0 += widest_row) {
      const int width = int(length - c0 < widest_row ? length - c0 : widest_row);
      for (int i = 0; i < width; ++i) {
        const std::int64_t c = c0 + i < C ? c0 + i : (c0 + i) % C;
        m[i] = statistics[c];
        a[i] = weight[c] * statistics[C + c];
        b[i] = bias[c];
        s[i] = q[i] = A(0);
      }
      for_joined_rows(end - first, C, c0, width, [&](std::int64_t offset, int w) {
        const std::int64_t o = first * C + offset;
        reduce_row<M, Write>(w, x + o, M == Mask::y ? y + o : nullptr, dy + o, m, a, b, s, q,
                             Write ? out + o : nullptr);
      });
      const int channels = int(C - c0 < width ? C - c0 : width);
      for (int i = channels; i < width; ++i) {
        s[i % channels] += s[i];
        q[i % channels] += q[i];
      }
      for (int i = 0; i < channels; ++i) {
        partial[c0 + i] = s[i];
        partial[C + c0 + i] = q[i] * statistics[C + c0 + i];
      }
    }
  } else {
    const Place<NT, V> place(C);
    A m[V], a[V], b[V], s[V] = {}, q[V] = {};
    if (place.active) {
      for (int v = 0; v < V; ++v) {
        m[v] = statistics[place.c + v];
        a[v] = weight[place.c + v] * statistics[C + place.c + v];
        b[v] = bias[place.c + v];
      }
      for_rows<2>(first + place.row, end, place.rows, [&](std::int64_t r) {
        const std::int64_t o = r * C + place.c;
        const Pack<T, V> px = load_pack<V>(x + o);
        Pack<T, V> pd = load_pack<V>(dy + o), py{};
        if (M == Mask::y) py = load_pack<V>(y + o);
        for (int i = 0; i < V; ++i) {
          const A v = A(px.v[i]) - m[i];
          const A d = masked<M>(A(pd.v[i]), v * a[i] + b[i], A(py.v[i]));
          s[i] += d;
          q[i] += d * v;
          pd.v[i] = T(d);
        }
        if (Write) store_pack<V>(out + o, pd);
      });
    }
    sum_over_rows(place, s);
    sum_over_rows(place, q);
    if (place.active && place.row == 0)
      for (int v = 0; v < V; ++v) {
        partial[place.c + v] = s[v];
        partial[C + place.c + v] = q[v] * statistics[C + place.c + v];
      }
  }
}

// sums = the sum of the parts in order; dbias and dweight (+)= its halves, where wanted.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    sums_kernel(std::int64_t parts, std::int64_t C, const A* __restrict__ partials, A* __restrict__ sums,
                A* __restrict__ dweight, bool accumulate_weight, A* __restrict__ dbias,
                bool accumulate_bias) {
  constexpr int channels = merged_channels<NT>, W = NT == 1 ? channels : 1,
                lanes = NT == 1 ? 1 : NT / channels;
  const int column = NT == 1 ? 0 : int(threadIdx.x) % channels,
            lane = NT == 1 ? 0 : int(threadIdx.x) / channels;
  const std::int64_t c = std::int64_t(blockIdx.x) * channels + column;
  const int width = 2 * C <= c ? 0 : 2 * C - c < W ? int(2 * C - c) : W;
  A sum[W] = {};
  for (std::int64_t p = lane; p < parts; p += lanes)
    for (int i = 0; i < width; ++i) sum[i] += partials[p * 2 * C + c + i];
  if constexpr (NT > 1) {
    SHARED(A, shared, [lanes][channels]);
    shared[lane][column] = sum[0];
    __syncthreads();
    if (lane > 0) return;
    for (int l = 1; l < lanes; ++l) sum[0] += shared[l][column];
  }
  for (int i = 0; i < width; ++i) {
    const std::int64_t k = c + i;
    sums[k] = sum[i];
    if (k < C && dbias) dbias[k] = accumulate_bias ? dbias[k] + sum[i] : sum[i];
    if (k >= C && dweight) dweight[k - C] = accumulate_weight ? dweight[k - C] + sum[i] : sum[i];
  }
}

template <Mask M, bool Accumulate, class T, class A>
__device__ __forceinline__ void dx_row(int width, const T* __restrict__ x, const T* __restrict__ y,
                                       const T* __restrict__ dy, const A* __restrict__ mean,
                                       const A* __restrict__ scale, const A* __restrict__ bias,
                                       const A* __restrict__ constant, const A* __restrict__ slope,
                                       T* __restrict__ dx) {
  for (int i = 0; i < width; ++i) {
    const A v = A(x[i]) - mean[i];
    const A d =
        masked<M>(A(dy[i]), M == Mask::x ? v * scale[i] + bias[i] : A(0), M == Mask::y ? A(y[i]) : A(0));
    const A g = scale[i] * d - (constant[i] + v * slope[i]);
    dx[i] = T(Accumulate ? A(dx[i]) + g : g);
  }
}

// dx = a dy' - (a dbias / n + (x - mean) a rstd dweight / n), a = weight rstd. Slabs in descending order.
template <int NT, int V, Mask M, bool Accumulate, class T>
__global__ void __launch_bounds__(NT)
    dx_kernel(std::int64_t R, std::int64_t C, std::int64_t slab, const T* __restrict__ x,
              const T* __restrict__ y, const T* __restrict__ dy, const acc_t<T>* __restrict__ statistics,
              const acc_t<T>* __restrict__ weight, const acc_t<T>* __restrict__ bias,
              const acc_t<T>* __restrict__ sums, T* __restrict__ dx) {
  using A = acc_t<T>;
  const std::int64_t first = (gridDim.x - 1 - blockIdx.x) * slab, end = first + slab < R ? first + slab : R;
  const A n = statistics[2 * C];
  if constexpr (NT == 1) {
    const std::int64_t length = joined_row(C);
    alignas(64) A m[widest_row], a[widest_row], b[widest_row], k[widest_row], l[widest_row];
    for (std::int64_t c0 = 0; c0 < C; c0 += widest_row) {
      const int width = int(length - c0 < widest_row ? length - c0 : widest_row);
      for (int i = 0; i < width; ++i) {
        const std::int64_t c = c0 + i < C ? c0 + i : (c0 + i) % C;
        m[i] = statistics[c];
        a[i] = weight[c] * statistics[C + c];
        b[i] = bias[c];
        k[i] = a[i] * (sums[c] / n);
        l[i] = a[i] * statistics[C + c] * (sums[C + c] / n);
      }
      for_joined_rows(end - first, C, c0, width, [&](std::int64_t offset, int w) {
        const std::int64_t o = first * C + offset;
        dx_row<M, Accumulate>(w, x + o, M == Mask::y ? y + o : nullptr, dy + o, m, a, b, k, l, dx + o);
      });
    }
  } else {
    const Place<NT, V> place(C);
    if (!place.active) return;
    A m[V], a[V], b[V], k[V], l[V];
    for (int v = 0; v < V; ++v) {
      const std::int64_t c = place.c + v;
      m[v] = statistics[c];
      a[v] = weight[c] * statistics[C + c];
      b[v] = bias[c];
      k[v] = a[v] * (sums[c] / n);
      l[v] = a[v] * statistics[C + c] * (sums[C + c] / n);
    }
    for_rows<2>(first + place.row, end, place.rows, [&](std::int64_t r) {
      const std::int64_t o = r * C + place.c;
      const Pack<T, V> px = load_pack<V>(x + o), pd = load_pack<V>(dy + o);
      Pack<T, V> py{}, out{};
      if (M == Mask::y) py = load_pack<V>(y + o);
      if (Accumulate) out = load_pack<V>(dx + o);
      for (int i = 0; i < V; ++i) {
        const A u = A(px.v[i]) - m[i];
        const A d = masked<M>(A(pd.v[i]), u * a[i] + b[i], A(py.v[i]));
        const A g = a[i] * d - (k[i] + u * l[i]);
        out.v[i] = T(Accumulate ? A(out.v[i]) + g : g);
      }
      store_pack<V>(dx + o, out);
    });
  }
}

template <Mask M, bool Write, class Stream, class T>
void launch_reduce(Stream stream, const Grid& grid, int V, std::int64_t R, std::int64_t C, std::int64_t slab,
                   const T* x, const T* y, const T* dy, const acc_t<T>* statistics, const acc_t<T>* weight,
                   const acc_t<T>* bias, T* out, acc_t<T>* partials) {
  constexpr int NT = threads<Stream>(256), most = NT == 1 ? 1 : 16 / sizeof(T);
  if (V == most)
    launch<reduce_kernel<NT, most, M, Write, T>>(stream, grid, R, C, slab, x, y, dy, statistics, weight, bias,
                                                 out, partials);
  else
    launch<reduce_kernel<NT, 1, M, Write, T>>(stream, grid, R, C, slab, x, y, dy, statistics, weight, bias,
                                              out, partials);
}

template <Mask M, bool Accumulate, class Stream, class T>
void launch_dx(Stream stream, const Grid& grid, int V, std::int64_t R, std::int64_t C, std::int64_t slab,
               const T* x, const T* y, const T* dy, const acc_t<T>* statistics, const acc_t<T>* weight,
               const acc_t<T>* bias, const acc_t<T>* sums, T* dx) {
  constexpr int NT = threads<Stream>(256), most = NT == 1 ? 1 : 16 / sizeof(T);
  if (V == most)
    launch<dx_kernel<NT, most, M, Accumulate, T>>(stream, grid, R, C, slab, x, y, dy, statistics, weight,
                                                  bias, sums, dx);
  else
    launch<dx_kernel<NT, 1, M, Accumulate, T>>(stream, grid, R, C, slab, x, y, dy, statistics, weight, bias,
                                               sums, dx);
}

}  // namespace

template <class Stream, class T>
void batch_norm_backward_reduce(Stream stream, std::int64_t R, std::int64_t C, bool relu, const T* x,
                                const T* y, const T* dy, const acc_t<T>* statistics, const acc_t<T>* weight,
                                const acc_t<T>* bias, T* masked_dy, acc_t<T>* partials) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t slabs = row_slabs(R, C), slab = ceil_div(R, slabs);
  const int V = NT == 1 ? 1 : pack_width<T>(C);
  const Grid grid = rows_grid<NT>(slabs, C, V);
  const auto go = !relu       ? launch_reduce<Mask::none, false, Stream, T>
                  : masked_dy ? launch_reduce<Mask::y, true, Stream, T>
                  : y         ? launch_reduce<Mask::y, false, Stream, T>
                              : launch_reduce<Mask::x, false, Stream, T>;
  go(stream, grid, V, R, C, slab, x, y, dy, statistics, weight, bias, masked_dy, partials);
}

template <class Stream, class A>
void batch_norm_backward_sums(Stream stream, std::int64_t parts, std::int64_t C, const A* partials, A* sums,
                              A* dweight, bool accumulate_weight, A* dbias, bool accumulate_bias) {
  constexpr int NT = threads<Stream>(512);
  const Grid grid{dim3(unsigned(ceil_div(2 * C, merged_channels<NT>))), dim3(NT)};
  launch<sums_kernel<NT, A>>(stream, grid, parts, C, partials, sums, dweight, accumulate_weight, dbias,
                             accumulate_bias);
}

template <class Stream, class T>
void batch_norm_backward_apply(Stream stream, std::int64_t R, std::int64_t C, bool relu, const T* x,
                               const T* y, const T* dy, const acc_t<T>* statistics, const acc_t<T>* weight,
                               const acc_t<T>* bias, const acc_t<T>* sums, T* dx, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t slabs = row_slabs(R, C), slab = ceil_div(R, slabs);
  const int V = NT == 1 ? 1 : pack_width<T>(C);
  const Grid grid = rows_grid<NT>(slabs, C, V);
  constexpr Mask none = Mask::none, from_x = Mask::x, from_y = Mask::y;
  const auto go =
      !relu ? (accumulate ? launch_dx<none, true, Stream, T> : launch_dx<none, false, Stream, T>)
      : y   ? (accumulate ? launch_dx<from_y, true, Stream, T> : launch_dx<from_y, false, Stream, T>)
            : (accumulate ? launch_dx<from_x, true, Stream, T> : launch_dx<from_x, false, Stream, T>);
  go(stream, grid, V, R, C, slab, x, y, dy, statistics, weight, bias, sums, dx);
}

INSTANTIATE_WITH_BF16(batch_norm_backward_reduce)
INSTANTIATE(batch_norm_backward_sums)
INSTANTIATE_WITH_BF16(batch_norm_backward_apply)

}  // namespace kernels
