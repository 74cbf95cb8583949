// Row-wise L2 normalization: y = x / |x|, and its Jacobian (I - y y^T) / |x|.
#include "kernels/kernels.h"
#include "kernels/tiles/warp_rows.h"

namespace kernels {
namespace {

template <int NT, class T, class A>
__global__ void __launch_bounds__(NT)
    l2_normalize_kernel(std::int64_t rows, std::int64_t d, A eps, const T* x, T* y, A* norm) {
  const std::int64_t row = warp_row<NT>();
  if (row >= rows) return;
  x += row * d;
  y += row * d;
  A square = A(0);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) square += A(x[k]) * A(x[k]);
  const A length = sqrt(warp_sum<NT>(square));
  const A scale = A(1) / (length > eps ? length : eps);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) y[k] = T(A(x[k]) * scale);
  if (row_thread<NT>() == 0) norm[row] = length;
}

template <int NT, bool Accumulate, class T, class A>
__global__ void __launch_bounds__(NT)
    l2_normalize_backward_kernel(std::int64_t rows, std::int64_t d, A eps, const T* y, const A* norm,
                                 const T* dy, T* dx) {
  const std::int64_t row = warp_row<NT>();
  if (row >= rows) return;
  y += row * d;
  dy += row * d;
  dx += row * d;
  A along = A(0);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) along += A(y[k]) * A(dy[k]);
  const A length = norm[row];
  along = warp_sum<NT>(along);
  if (!(length > eps)) along = A(0);  // so short a row has y = x / eps
  const A scale = A(1) / (length > eps ? length : eps);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) {
    const A g = (A(dy[k]) - along * A(y[k])) * scale;
    dx[k] = T(Accumulate ? A(dx[k]) + g : g);
  }
}

}  // namespace

template <class Stream, class T>
void l2_normalize(Stream stream, std::int64_t rows, std::int64_t d, double eps, const T* x, T* y,
                  acc_t<T>* norm) {
  constexpr int NT = threads<Stream>(128);
  using A = acc_t<T>;
  launch<l2_normalize_kernel<NT, T, A>>(stream, warp_rows_grid<NT>(rows), rows, d, A(eps), x, y, norm);
}

template <class Stream, class T>
void l2_normalize_backward(Stream stream, std::int64_t rows, std::int64_t d, double eps, const T* y,
                           const acc_t<T>* norm, const T* dy, T* dx, bool accumulate) {
  constexpr int NT = threads<Stream>(128);
  using A = acc_t<T>;
  if (accumulate)
    launch<l2_normalize_backward_kernel<NT, true, T, A>>(stream, warp_rows_grid<NT>(rows), rows, d, A(eps), y,
                                                         norm, dy, dx);
  else
    launch<l2_normalize_backward_kernel<NT, false, T, A>>(stream, warp_rows_grid<NT>(rows), rows, d, A(eps),
                                                          y, norm, dy, dx);
}

INSTANTIATE_WITH_BF16(l2_normalize)
INSTANTIATE_WITH_BF16(l2_normalize_backward)

}  // namespace kernels
