// Element-wise ops and their fusions.
#include "kernels/kernels.h"
#include "kernels/rows.h"

namespace kernels {
namespace {

template <int NT, bool Relu, class T>
__global__ void __launch_bounds__(NT) add_kernel(std::int64_t n, const T* a, const T* b, T* y) {
  using A = acc_t<T>;
  for_each<NT>(n, [=](std::int64_t i) {
    const A v = A(a[i]) + A(b[i]);
    y[i] = T(Relu ? zero_below(v) : v);
  });
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) relu_kernel(std::int64_t n, const T* x, T* y) {
  using A = acc_t<T>;
  for_each<NT>(n, [=](std::int64_t i) { y[i] = T(zero_below(A(x[i]))); });
}

template <int NT, bool Accumulate, class T>
__global__ void __launch_bounds__(NT) relu_backward_kernel(std::int64_t n, const T* y, const T* dy, T* dx) {
  using A = acc_t<T>;
  for_each<NT>(n, [=](std::int64_t i) {
    const A d = where_positive(A(y[i]), A(dy[i]));
    dx[i] = T(Accumulate ? A(dx[i]) + d : d);
  });
}

template <int NT, bool Relu, class T>
__global__ void __launch_bounds__(NT)
    bias_add_kernel(std::int64_t R, std::int64_t C, std::int64_t height, const T* __restrict__ x,
                    const acc_t<T>* __restrict__ bias, T* __restrict__ y) {
  using A = acc_t<T>;
  const std::int64_t first = blockIdx.x * height, end = first + height < R ? first + height : R;
  for_tiles<NT, 1, A>(first, end, C, [&]<int N, int L>(const TilePlace& place) {
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

template <int NT, bool Accumulate, class From, class To>
__global__ void __launch_bounds__(NT) cast_kernel(std::int64_t n, const From* x, To* y) {
  using A = acc_t<To>;
  for_each<NT>(n, [=](std::int64_t i) { y[i] = To(Accumulate ? A(y[i]) + A(x[i]) : A(x[i])); });
}

template <class Stream, class From, class To>
void launch_cast(Stream stream, const Grid& grid, std::int64_t n, const From* x, To* y, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  if (accumulate)
    launch<cast_kernel<NT, true, From, To>>(stream, grid, n, x, y);
  else
    launch<cast_kernel<NT, false, From, To>>(stream, grid, n, x, y);
}

}  // namespace

template <class Stream, class T>
void add(Stream stream, std::int64_t n, const T* a, const T* b, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<add_kernel<NT, false, T>>(stream, grid_for<NT>(n), n, a, b, y);
}

template <class Stream, class T>
void add_relu(Stream stream, std::int64_t n, const T* a, const T* b, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<add_kernel<NT, true, T>>(stream, grid_for<NT>(n), n, a, b, y);
}

template <class Stream, class T>
void relu(Stream stream, std::int64_t n, const T* x, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<relu_kernel<NT, T>>(stream, grid_for<NT>(n), n, x, y);
}

template <class Stream, class T>
void relu_backward(Stream stream, std::int64_t n, const T* y, const T* dy, T* dx, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  if (accumulate)
    launch<relu_backward_kernel<NT, true, T>>(stream, grid_for<NT>(n), n, y, dy, dx);
  else
    launch<relu_backward_kernel<NT, false, T>>(stream, grid_for<NT>(n), n, y, dy, dx);
}

template <class Stream, class T>
void bias_add(Stream stream, std::int64_t R, std::int64_t C, bool relu, const T* x, const acc_t<T>* bias,
              T* y) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t height = slab_height(R, C);
  const Grid grid = rows_grid<NT>(row_slabs(R, C), C, 1);
  if (relu)
    launch<bias_add_kernel<NT, true, T>>(stream, grid, R, C, height, x, bias, y);
  else
    launch<bias_add_kernel<NT, false, T>>(stream, grid, R, C, height, x, bias, y);
}

template <class Stream, class T>
void fill(Stream stream, std::int64_t n, double value, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<fill_kernel<NT, T>>(stream, grid_for<NT>(n), n, acc_t<T>(value), y);
}

template <class Stream, class T>
void cast_to_f32(Stream stream, std::int64_t n, const T* x, float* y, bool accumulate) {
  launch_cast(stream, grid_for<threads<Stream>(256)>(n), n, x, y, accumulate);
}

template <class Stream, class T>
void cast_to_f64(Stream stream, std::int64_t n, const T* x, double* y, bool accumulate) {
  launch_cast(stream, grid_for<threads<Stream>(256)>(n), n, x, y, accumulate);
}

template <class Stream, class T>
void cast_to_bf16(Stream stream, std::int64_t n, const T* x, bf16* y, bool accumulate) {
  launch_cast(stream, grid_for<threads<Stream>(256)>(n), n, x, y, accumulate);
}

INSTANTIATE_WITH_BF16(add)
INSTANTIATE_WITH_BF16(add_relu)
INSTANTIATE_WITH_BF16(relu)
INSTANTIATE_WITH_BF16(relu_backward)
INSTANTIATE_WITH_BF16(bias_add)
INSTANTIATE_WITH_BF16(fill)
INSTANTIATE_WITH_BF16(cast_to_f32)
INSTANTIATE_WITH_BF16(cast_to_f64)
INSTANTIATE_WITH_BF16(cast_to_bf16)

}  // namespace kernels
