// Batch normalization backward. With dy' = dy where the ReLU's input is above 0, else 0 (without a ReLU
// dy' = dy), xhat = (x - mean) rstd, n rows:
//   dbias = sum dy',  dweight = sum dy' xhat,
//   dx = weight rstd (dy' - dbias / n - xhat dweight / n),  d(residual) = dy'.
#include "kernels/kernels.h"
#include "kernels/tiles/packs.h"
#include "kernels/tiles/rows.h"

namespace kernels {
namespace {

// Where the mask of the ReLU comes from: none, there is no ReLU; x, from weight xhat + bias > 0, which saves
// reading y; y, from y > 0, if a residual was added.
enum class Mask { none, x, y };
template <Mask M>
using MaskIs = std::integral_constant<Mask, M>;

// dy', from dy; `normalized` is weight xhat + bias.
template <Mask M, class V>
__device__ __forceinline__ V masked(V dy, V normalized, V y) {
  if constexpr (M == Mask::x) return where_positive(normalized, dy);
  if constexpr (M == Mask::y) return where_positive(y, dy);
  return dy;
}

// partials[s] = (sum dy', sum dy' xhat) of slab s; if Write, also out = dy'.
template <int NT, int V, Mask M, bool Write, class T>
__global__ void __launch_bounds__(NT, 3)
    reduce_kernel(std::int64_t R, std::int64_t C, std::int64_t height, const T* __restrict__ x,
                  const T* __restrict__ y, const T* dy, const acc_t<T>* __restrict__ statistics,
                  const acc_t<T>* __restrict__ weight, const acc_t<T>* __restrict__ bias, T* out,
                  acc_t<T>* __restrict__ partials) {
  using A = acc_t<T>;
  const std::int64_t first = blockIdx.x * height, end = first + height < R ? first + height : R;
  A* partial = partials + blockIdx.x * (2 * C);
  if constexpr (NT == 1)
    for (std::int64_t i = 0; i < 2 * C; ++i) partial[i] = A(0);

  for_tiles<NT, V, A>(first, end, C, [&]<int N, int L>(TileShape<N, L>, const TilePlace& place) {
    const Tile<A, N, L> mean = load_channels<N, L>(statistics, place.c, C);
    const Tile<A, N, L> rstd = load_channels<N, L>(statistics + C, place.c, C);
    Tile<A, N, L> scale{}, b{}, s{}, q{};
    if (M == Mask::x) {
      scale = load_channels<N, L>(weight, place.c, C);
      UNROLL for (int i = 0; i < N; ++i) scale.v[i] *= rstd.v[i];
      b = load_channels<N, L>(bias, place.c, C);
    }
    for_rows<L == 1 ? 2 : 1>(place, [&](std::int64_t offset) {
      Tile<A, N, L> d = load_tile<N, L>(dy + offset), ty{};
      const Tile<A, N, L> tx = load_tile<N, L>(x + offset);
      if (M == Mask::y) ty = load_tile<N, L>(y + offset);
      UNROLL for (int i = 0; i < N; ++i) {
        const auto v = tx.v[i] - mean.v[i];
        d.v[i] = masked<M>(d.v[i], v * scale.v[i] + b.v[i], ty.v[i]);
        s.v[i] += d.v[i];
        q.v[i] += d.v[i] * v;
      }
      if (Write) store_tile<N, L>(out + offset, d);
    });
    UNROLL for (int i = 0; i < N; ++i) q.v[i] *= rstd.v[i];
    add_up<NT>(s, place.c, C, partial);
    add_up<NT>(q, place.c, C, partial + C);
  });
}

// sums = the sum of the parts, added in order; dbias (+)= its first half, dweight (+)= its second, unless
// null.
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

// dx = a dy' - (a dbias / n + (x - mean) a rstd dweight / n), a = weight rstd. Takes the slabs in descending
// order: the last ones that the reduction read are still in the cache.
template <int NT, int V, Mask M, bool Accumulate, class T>
__global__ void __launch_bounds__(NT, 3)
    dx_kernel(std::int64_t R, std::int64_t C, std::int64_t height, const T* __restrict__ x,
              const T* __restrict__ y, const T* __restrict__ dy, const acc_t<T>* __restrict__ statistics,
              const acc_t<T>* __restrict__ weight, const acc_t<T>* __restrict__ bias,
              const acc_t<T>* __restrict__ sums, T* __restrict__ dx) {
  using A = acc_t<T>;
  const std::int64_t first = (gridDim.x - 1 - blockIdx.x) * height,
                     end = first + height < R ? first + height : R;
  const A share = A(1) / statistics[2 * C];
  for_tiles<NT, V, A>(first, end, C, [&]<int N, int L>(TileShape<N, L>, const TilePlace& place) {
    const Tile<A, N, L> mean = load_channels<N, L>(statistics, place.c, C);
    const Tile<A, N, L> rstd = load_channels<N, L>(statistics + C, place.c, C);
    Tile<A, N, L> scale = load_channels<N, L>(weight, place.c, C), b{};
    Tile<A, N, L> constant = load_channels<N, L>(sums, place.c, C);
    Tile<A, N, L> slope = load_channels<N, L>(sums + C, place.c, C);
    if (M == Mask::x) b = load_channels<N, L>(bias, place.c, C);
    UNROLL for (int i = 0; i < N; ++i) {
      scale.v[i] *= rstd.v[i];
      constant.v[i] *= scale.v[i] * share;
      slope.v[i] *= scale.v[i] * rstd.v[i] * share;
    }
    const bool past = !Accumulate && past_cache<Vector<A, L>>(dx, R * C, C);
    for_rows<L == 1 ? 2 : 1>(place, [&](std::int64_t offset) {
      const Tile<A, N, L> tx = load_tile<N, L>(x + offset), td = load_tile<N, L>(dy + offset);
      Tile<A, N, L> ty{}, g{};
      if (M == Mask::y) ty = load_tile<N, L>(y + offset);
      if (Accumulate) g = load_tile<N, L>(dx + offset);
      UNROLL for (int i = 0; i < N; ++i) {
        const auto v = tx.v[i] - mean.v[i], d = masked<M>(td.v[i], v * scale.v[i] + b.v[i], ty.v[i]);
        g.v[i] += scale.v[i] * d - (constant.v[i] + v * slope.v[i]);
      }
      store_tile<N, L>(dx + offset, g, past);
    });
  });
}

}  // namespace

template <class Stream, class T>
void batch_norm_backward_reduce(Stream stream, std::int64_t R, std::int64_t C, bool relu, const T* x,
                                const T* y, const T* dy, const acc_t<T>* statistics, const acc_t<T>* weight,
                                const acc_t<T>* bias, T* masked_dy, acc_t<T>* partials) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t height = slab_height(R, C);
  choose_pack<Stream, T>(
      C,
      [=]<int V>(std::integral_constant<int, V>) {
        const Grid grid = rows_grid<NT>(row_slabs(R, C), C, V, "batch_norm_backward_reduce");
        const auto reduce = [&]<Mask M, bool Write>(MaskIs<M>, std::bool_constant<Write>) {
          launch<reduce_kernel<NT, V, M, Write, T>>(stream, grid, R, C, height, x, y, dy, statistics, weight,
                                                    bias, masked_dy, partials);
        };
        constexpr std::true_type yes;
        constexpr std::false_type no;
        if (!relu)
          reduce(MaskIs<Mask::none>{}, no);
        else if (masked_dy)
          reduce(MaskIs<Mask::y>{}, yes);
        else
          y ? reduce(MaskIs<Mask::y>{}, no) : reduce(MaskIs<Mask::x>{}, no);
      },
      x, y, dy, statistics, weight, bias, masked_dy);
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
  const std::int64_t height = strip_height<NT>(R, C);
  choose_pack<Stream, T>(
      C,
      [=]<int V>(std::integral_constant<int, V>) {
        const Grid grid = rows_grid<NT>(ceil_div(R, height), C, V, "batch_norm_backward_apply");
        const auto apply = [&]<Mask M>(MaskIs<M>) {
          accumulate ? launch<dx_kernel<NT, V, M, true, T>>(stream, grid, R, C, height, x, y, dy, statistics,
                                                            weight, bias, sums, dx)
                     : launch<dx_kernel<NT, V, M, false, T>>(stream, grid, R, C, height, x, y, dy, statistics,
                                                             weight, bias, sums, dx);
        };
        if (!relu)
          apply(MaskIs<Mask::none>{});
        else
          y ? apply(MaskIs<Mask::y>{}) : apply(MaskIs<Mask::x>{});
      },
      x, y, dy, statistics, weight, bias, sums, dx);
}

INSTANTIATE_WITH_BF16(batch_norm_backward_reduce)
INSTANTIATE(batch_norm_backward_sums)
INSTANTIATE_WITH_BF16(batch_norm_backward_apply)

}  // namespace kernels
