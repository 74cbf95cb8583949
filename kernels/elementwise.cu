// Element-wise ops and their fusions.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

template <int NT, class T>
__global__ void __launch_bounds__(NT) add_kernel(std::int64_t n, const T* a, const T* b, T* y) {
  using A = acc_t<T>;
  for_each<NT>(n, [=](std::int64_t i) { y[i] = T(A(a[i]) + A(b[i])); });
}

template <int NT, class T>
__global__ void __launch_bounds__(NT) relu_kernel(std::int64_t n, const T* x, T* y) {
  using A = acc_t<T>;
  for_each<NT>(n, [=](std::int64_t i) {
    const A v = A(x[i]);
    y[i] = T(v > A(0) ? v : A(0));
  });
}

template <int NT, bool Accumulate, class T>
__global__ void __launch_bounds__(NT) relu_backward_kernel(std::int64_t n, const T* y, const T* dy, T* dx) {
  using A = acc_t<T>;
  for_each<NT>(n, [=](std::int64_t i) {
    const A d = A(y[i]) > A(0) ? A(dy[i]) : A(0);
    dx[i] = T(Accumulate ? A(dx[i]) + d : d);
  });
}

}  // namespace

template <class Stream, class T>
void add(Stream stream, std::int64_t n, const T* a, const T* b, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<add_kernel<NT, T>>(stream, grid_for<NT>(n), n, a, b, y);
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

INSTANTIATE_WITH_BF16(add)
INSTANTIATE_WITH_BF16(relu)
INSTANTIATE_WITH_BF16(relu_backward)

}  // namespace kernels
