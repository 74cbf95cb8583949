// Element-wise ops and their fusions.
#include "kernels/kernels.h"
#include "kernels/tiles/packs.h"
#include "kernels/tiles/rows.h"

namespace kernels {
namespace {

template <int NT, int V, bool Relu, class T>
__global__ void __launch_bounds__(NT) add_kernel(std::int64_t n, const T* a, const T* b, T* y) {
  for_packs<NT, V>(n, [=]<int W>(TileShape<W, 1>, std::int64_t i) {
    auto t = load_tile<W, 1>(a + i);
    const auto u = load_tile<W, 1>(b + i);
    UNROLL for (int k = 0; k < W; ++k) {
      t.v[k] += u.v[k];
      if (Relu) t.v[k] = zero_below(t.v[k]);
    }
    store_tile<W, 1>(y + i, t);
  });
}

template <int NT, int V, bool Accumulate, class T>
__global__ void __launch_bounds__(NT) scale_kernel(std::int64_t n, acc_t<T> factor, const T* x, T* y) {
  for_packs<NT, V>(n, [=]<int W>(TileShape<W, 1>, std::int64_t i) {
    auto t = load_tile<W, 1>(x + i);
    UNROLL for (int k = 0; k < W; ++k) t.v[k] *= factor;
    if (Accumulate) {
      const auto before = load_tile<W, 1>(y + i);
      UNROLL for (int k = 0; k < W; ++k) t.v[k] += before.v[k];
    }
    store_tile<W, 1>(y + i, t);
  });
}

template <int NT, int V, class T>
__global__ void __launch_bounds__(NT) relu_kernel(std::int64_t n, const T* x, T* y) {
  for_packs<NT, V>(n, [=]<int W>(TileShape<W, 1>, std::int64_t i) {
    auto t = load_tile<W, 1>(x + i);
    UNROLL for (int k = 0; k < W; ++k) t.v[k] = zero_below(t.v[k]);
    store_tile<W, 1>(y + i, t);
  });
}

template <int NT, int V, bool Accumulate, class T>
__global__ void __launch_bounds__(NT) relu_backward_kernel(std::int64_t n, const T* y, const T* dy, T* dx) {
  for_packs<NT, V>(n, [=]<int W>(TileShape<W, 1>, std::int64_t i) {
    const auto t = load_tile<W, 1>(y + i);
    auto d = load_tile<W, 1>(dy + i);
    UNROLL for (int k = 0; k < W; ++k) d.v[k] = where_positive(t.v[k], d.v[k]);
    if (Accumulate) {
      const auto before = load_tile<W, 1>(dx + i);
      UNROLL for (int k = 0; k < W; ++k) d.v[k] += before.v[k];
    }
    store_tile<W, 1>(dx + i, d);
  });
}

template <int NT, int V, bool Relu, class T>
__global__ void __launch_bounds__(NT)
    bias_add_kernel(std::int64_t R, std::int64_t C, std::int64_t height, const T* __restrict__ x,
                    const acc_t<T>* __restrict__ bias, T* __restrict__ y) {
  using A = acc_t<T>;
  const std::int64_t first = blockIdx.x * height, end = first + height < R ? first + height : R;
  for_tiles<NT, V, A>(first, end, C, [&]<int N, int L>(TileShape<N, L>, const TilePlace& place) {
    const Tile<A, N, L> b = load_channels<N, L>(bias, place.c, C);
    for_rows<L == 1 ? 4 : 1>(place, [&](std::int64_t offset) {
      Tile<A, N, L> t = load_tile<N, L>(x + offset);
      UNROLL for (int i = 0; i < N; ++i) {
        t.v[i] += b.v[i];
        if (Relu) t.v[i] = zero_below(t.v[i]);
      }
      store_tile<N, L>(y + offset, t);
    });
  });
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) fill_kernel(std::int64_t n, acc_t<T> value, T* y) {
  for_each<NT>(n, [=](std::int64_t i) { y[i] = T(value); });
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) exponential_kernel(std::int64_t n, const T* x, T* y) {
  for_each<NT>(n, [=](std::int64_t i) { y[i] = exp(x[i]); });
}

template <int NT, bool Accumulate, class T>
__global__ void __launch_bounds__(NT)
    exponential_backward_kernel(std::int64_t n, const T* y, const T* dy, T* dx) {
  for_each<NT>(n, [=](std::int64_t i) { dx[i] = Accumulate ? dx[i] + y[i] * dy[i] : y[i] * dy[i]; });
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) clamp_kernel(std::int64_t n, T low, T high, T* x) {
  for_each<NT>(n, [=](std::int64_t i) { x[i] = x[i] < low ? low : high < x[i] ? high : x[i]; });
}

template <int NT, int V, bool Accumulate, class From, class To>
__global__ void __launch_bounds__(NT) cast_kernel(std::int64_t n, const From* x, To* y) {
  using A = acc_t<To>;
  for_packs<NT, V>(n, [=]<int W>(TileShape<W, 1>, std::int64_t i) {
    const auto t = load_tile<W, 1>(x + i);
    Tile<A, W, 1> u{};
    if (Accumulate) u = load_tile<W, 1>(y + i);
    UNROLL for (int k = 0; k < W; ++k) u.v[k] = Accumulate ? u.v[k] + A(t.v[k]) : A(t.v[k]);
    store_tile<W, 1>(y + i, u);
  });
}

// sums[slab][c] = sum over the slab's rows of x[r][c]
template <int NT, int V, class T>
__global__ void __launch_bounds__(NT) slab_sums_kernel(std::int64_t R, std::int64_t C, std::int64_t height,
                                                       const T* __restrict__ x, acc_t<T>* __restrict__ sums) {
  using A = acc_t<T>;
  const std::int64_t first = blockIdx.x * height, end = first + height < R ? first + height : R;
  A* sum = sums + blockIdx.x * C;
  if constexpr (NT == 1)
    for (std::int64_t c = 0; c < C; ++c) sum[c] = A(0);
  for_tiles<NT, V, A>(first, end, C, [&]<int N, int L>(TileShape<N, L>, const TilePlace& place) {
    Tile<A, N, L> s{};
    for_rows<L == 1 ? 4 : 1>(place, [&](std::int64_t offset) {
      const Tile<A, N, L> t = load_tile<N, L>(x + offset);
      UNROLL for (int i = 0; i < N; ++i) s.v[i] += t.v[i];
    });
    add_up<NT>(s, place.c, C, sum);
  });
}

template <bool Relu, class Stream, class T>
void launch_add(Stream stream, const char* launcher, std::int64_t n, const T* a, const T* b, T* y) {
  constexpr int NT = threads<Stream>(256);
  choose_pack<Stream, T>(
      0,
      [=](auto V) {
        launch<add_kernel<NT, V, Relu, T>>(stream, grid_for<NT>(ceil_div(n, V), launcher), n, a, b, y);
      },
      a, b, y);
}

template <class Stream, class From, class To>
void launch_cast(Stream stream, const char* launcher, std::int64_t n, const From* x, To* y, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  using Wide = std::conditional_t<(sizeof(From) > sizeof(To)), From, To>;
  choose_pack<Stream, Wide>(
      0,
      [=](auto V) {
        const Grid grid = grid_for<NT>(ceil_div(n, V), launcher);
        if (accumulate)
          launch<cast_kernel<NT, V, true, From, To>>(stream, grid, n, x, y);
        else
          launch<cast_kernel<NT, V, false, From, To>>(stream, grid, n, x, y);
      },
      x, y);
}

}  // namespace

template <class Stream, class T>
void add(Stream stream, std::int64_t n, const T* a, const T* b, T* y) {
  launch_add<false>(stream, "add", n, a, b, y);
}

template <class Stream, class T>
void add_relu(Stream stream, std::int64_t n, const T* a, const T* b, T* y) {
  launch_add<true>(stream, "add_relu", n, a, b, y);
}

template <class Stream, class T>
void scale(Stream stream, std::int64_t n, double factor, const T* x, T* y, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  choose_pack<Stream, T>(
      0,
      [=](auto V) {
        const Grid grid = grid_for<NT>(ceil_div(n, V), "scale");
        if (accumulate)
          launch<scale_kernel<NT, V, true, T>>(stream, grid, n, acc_t<T>(factor), x, y);
        else
          launch<scale_kernel<NT, V, false, T>>(stream, grid, n, acc_t<T>(factor), x, y);
      },
      x, y);
}

template <class Stream, class T>
void relu(Stream stream, std::int64_t n, const T* x, T* y) {
  constexpr int NT = threads<Stream>(256);
  choose_pack<Stream, T>(
      0,
      [=](auto V) { launch<relu_kernel<NT, V, T>>(stream, grid_for<NT>(ceil_div(n, V), "relu"), n, x, y); },
      x, y);
}

template <class Stream, class T>
void relu_backward(Stream stream, std::int64_t n, const T* y, const T* dy, T* dx, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  choose_pack<Stream, T>(
      0,
      [=](auto V) {
        const Grid grid = grid_for<NT>(ceil_div(n, V), "relu_backward");
        if (accumulate)
          launch<relu_backward_kernel<NT, V, true, T>>(stream, grid, n, y, dy, dx);
        else
          launch<relu_backward_kernel<NT, V, false, T>>(stream, grid, n, y, dy, dx);
      },
      y, dy, dx);
}

template <class Stream, class T>
void bias_add(Stream stream, std::int64_t R, std::int64_t C, bool relu, const T* x, const acc_t<T>* bias,
              T* y) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t height = strip_height<NT>(R, C);
  choose_pack<Stream, T>(
      C,
      [=](auto V) {
        const Grid grid = rows_grid<NT>(ceil_div(R, height), C, V, "bias_add");
        relu ? launch<bias_add_kernel<NT, V, true, T>>(stream, grid, R, C, height, x, bias, y)
             : launch<bias_add_kernel<NT, V, false, T>>(stream, grid, R, C, height, x, bias, y);
      },
      x, bias, y);
}

template <class Stream, class T>
void slab_sums(Stream stream, std::int64_t R, std::int64_t C, const T* x, acc_t<T>* sums) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t height = slab_height(R, C);
  choose_pack<Stream, T>(
      C,
      [=](auto V) {
        const Grid grid = rows_grid<NT>(row_slabs(R, C), C, V, "slab_sums");
        launch<slab_sums_kernel<NT, V, T>>(stream, grid, R, C, height, x, sums);
      },
      x);
}

template <class Stream, class T>
void fill(Stream stream, std::int64_t n, double value, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<fill_kernel<NT, T>>(stream, grid_for<NT>(n), n, acc_t<T>(value), y);
}

template <class Stream, class T>
void exponential(Stream stream, std::int64_t n, const T* x, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<exponential_kernel<NT, T>>(stream, grid_for<NT>(n), n, x, y);
}

template <class Stream, class T>
void exponential_backward(Stream stream, std::int64_t n, const T* y, const T* dy, T* dx, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  if (accumulate)
    launch<exponential_backward_kernel<NT, true, T>>(stream, grid_for<NT>(n), n, y, dy, dx);
  else
    launch<exponential_backward_kernel<NT, false, T>>(stream, grid_for<NT>(n), n, y, dy, dx);
}

template <class Stream, class T>
void clamp_values(Stream stream, std::int64_t n, double low, double high, T* x) {
  constexpr int NT = threads<Stream>(256);
  launch<clamp_kernel<NT, T>>(stream, grid_for<NT>(n), n, T(low), T(high), x);
}

template <class Stream, class T>
void cast_to_f32(Stream stream, std::int64_t n, const T* x, float* y, bool accumulate) {
  launch_cast(stream, "cast_to_f32", n, x, y, accumulate);
}

template <class Stream, class T>
void cast_to_f64(Stream stream, std::int64_t n, const T* x, double* y, bool accumulate) {
  launch_cast(stream, "cast_to_f64", n, x, y, accumulate);
}

template <class Stream, class T>
void cast_to_bf16(Stream stream, std::int64_t n, const T* x, bf16* y, bool accumulate) {
  launch_cast(stream, "cast_to_bf16", n, x, y, accumulate);
}

INSTANTIATE_WITH_BF16(add)
INSTANTIATE_WITH_BF16(add_relu)
INSTANTIATE_WITH_BF16(scale)
INSTANTIATE_WITH_BF16(relu)
INSTANTIATE_WITH_BF16(relu_backward)
INSTANTIATE_WITH_BF16(bias_add)
INSTANTIATE_WITH_BF16(slab_sums)
INSTANTIATE_WITH_BF16(fill)
INSTANTIATE(exponential)
INSTANTIATE(exponential_backward)
INSTANTIATE(clamp_values)
INSTANTIATE_WITH_BF16(cast_to_f32)
INSTANTIATE_WITH_BF16(cast_to_f64)
INSTANTIATE_WITH_BF16(cast_to_bf16)

}  // namespace kernels
