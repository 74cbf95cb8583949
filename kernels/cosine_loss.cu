// The squared distance of row pairs after normalization, 2 - 2 cos (BYOL; Grill et al. 2020, eq. 2), and its
// gradient. A warp takes a row. The distance of nearly aligned rows is computed from their differences, since
// 2 - 2 cos would cancel.
#include "kernels/kernels.h"
#include "kernels/tiles/warp_rows.h"

namespace kernels {
namespace {

template <class A>
__device__ __forceinline__ A inverse_length(A norm, A eps) {
  return A(1) / (norm > eps ? norm : eps);
}

template <int NT, class A>
__global__ void __launch_bounds__(NT) cosine_loss_kernel(std::int64_t rows, std::int64_t d, A eps, const A* p,
                                                         const A* z, A* loss, A* norm, A* z_norm) {
  const std::int64_t row = warp_row<NT>();
  if (row >= rows) return;
  p += row * d;
  z += row * d;
  A pp = A(0), zz = A(0);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) pp += p[k] * p[k], zz += z[k] * z[k];
  const A p_length = sqrt(warp_sum<NT>(pp)), z_length = sqrt(warp_sum<NT>(zz));
  const A of_p = inverse_length(p_length, eps), of_z = inverse_length(z_length, eps);
  A square = A(0);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) {
    const A difference = p[k] * of_p - z[k] * of_z;
    square += difference * difference;
  }
  square = warp_sum<NT>(square);
  if (row_thread<NT>() != 0) return;
  loss[row] = square;
  norm[row] = p_length;
  z_norm[row] = z_length;
}

// With u and v the normalized rows, g = 2 (u - v) and u . g = 2 - 2 u . v = loss: dp = (g - loss u) / |p|.
template <int NT, bool Accumulate, class A>
__global__ void __launch_bounds__(NT)
    cosine_loss_backward_kernel(std::int64_t rows, std::int64_t d, A eps, A scale, const A* p, const A* z,
                                const A* loss, const A* norm, const A* z_norm, const A* dy, A* dp) {
  const std::int64_t row = warp_row<NT>();
  if (row >= rows) return;
  p += row * d;
  z += row * d;
  dp += row * d;
  const A of_p = inverse_length(norm[row], eps), of_z = inverse_length(z_norm[row], eps);
  const A factor = scale * dy[0] * of_p;
  // a row shorter than eps has u = p / eps; for a z that short, u . g = 2 u . u - 2 u . v is 1 + loss - v . v
  A along = A(0);
  if (norm[row] > eps) {
    along = loss[row];
    if (!(z_norm[row] > eps)) {
      const A v = z_norm[row] * of_z;
      along += A(1) - v * v;
    }
  }
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>) {
    const A u = p[k] * of_p, g = factor * (A(2) * (u - z[k] * of_z) - along * u);
    dp[k] = Accumulate ? dp[k] + g : g;
  }
}

}  // namespace

template <class Stream, class T>
void cosine_loss(Stream stream, std::int64_t rows, std::int64_t d, double eps, const T* p, const T* z,
                 T* loss, T* norm, T* z_norm) {
  constexpr int NT = threads<Stream>(128);
  launch<cosine_loss_kernel<NT, T>>(stream, warp_rows_grid<NT>(rows), rows, d, T(eps), p, z, loss, norm,
                                    z_norm);
}

template <class Stream, class T>
void cosine_loss_backward(Stream stream, std::int64_t rows, std::int64_t d, double eps, double scale,
                          const T* p, const T* z, const T* loss, const T* norm, const T* z_norm, const T* dy,
                          T* dp, bool accumulate) {
  constexpr int NT = threads<Stream>(128);
  if (accumulate)
    launch<cosine_loss_backward_kernel<NT, true, T>>(stream, warp_rows_grid<NT>(rows), rows, d, T(eps),
                                                     T(scale), p, z, loss, norm, z_norm, dy, dp);
  else
    launch<cosine_loss_backward_kernel<NT, false, T>>(stream, warp_rows_grid<NT>(rows), rows, d, T(eps),
                                                      T(scale), p, z, loss, norm, z_norm, dy, dp);
}

INSTANTIATE(cosine_loss)
INSTANTIATE(cosine_loss_backward)

}  // namespace kernels
