// Winograd convolution: the 36 matrix products of its domain, on panels of P channels. At one thread per
// block, a thread holds all P channels; on the GPU, each lane of a warp holds one.
#include "kernels/convolution/winograd.h"
#include "kernels/kernels.h"
#include "kernels/tiles/tile_product.h"

namespace kernels {
namespace {

// m[point][panel of outputs] = v[point] u[point][panel of outputs]. A block computes one panel of one point.
template <int NT, int R, int L, int P, int S, class T>
__global__ void __launch_bounds__(NT)
    winograd_product_kernel(std::int64_t count, WinogradDomain dv, const T* v, WinogradFilter du, const T* u,
                            WinogradDomain dm, T* m) {
  constexpr int N = NT == 1 ? P / L : 1, LANES = NT == 1 ? 1 : P;
  const int point = int(blockIdx.z), lane = int(threadIdx.x) % LANES;
  const std::int64_t panel = blockIdx.y, rows = count * winograd_members<S>(point);
  const T* a = v + dv.offset<S>(point);
  const T* b = u + du.offset(point) + panel * du.rows * P + lane;
  T* c = m + dm.offset<S>(point) + panel * dm.panel_stride<S>(point) + lane;
  const std::int64_t step = R * (NT / LANES) * std::int64_t(gridDim.x);
  for (std::int64_t i = R * (blockIdx.x * (NT / LANES) + int(threadIdx.x) / LANES); i < rows; i += step)
    multiply_rows<R, L, N, P>(rows - i, TileRows<T, P, 1>{a + i * P, dv.panel_stride<S>(point)}, b, du.rows,
                              P, c + i * P, P, false);
}

// du[point][panel of c][k][P] (+)= sum over tiles and members of w[point][k] v[point][panel of c]. A block
// computes one panel of c and one of k.
template <int NT, int R, int L, int P, int S, class T>
__global__ void __launch_bounds__(NT)
    winograd_gradient_product_kernel(std::int64_t count, WinogradDomain dw, const T* w, WinogradDomain dv,
                                     const T* v, WinogradFilter du, T* u, bool accumulate) {
  constexpr int N = NT == 1 ? P / L : 1, LANES = NT == 1 ? 1 : P;
  const int point = int(blockIdx.z), lane = int(threadIdx.x) % LANES;
  const std::int64_t k_panel = blockIdx.x, c_panel = blockIdx.y, depth = count * winograd_members<S>(point);
  const T* a = w + dw.offset<S>(point) + k_panel * dw.panel_stride<S>(point);
  const T* b = v + dv.offset<S>(point) + c_panel * dv.panel_stride<S>(point) + lane;
  T* c = u + du.offset(point) + (c_panel * du.rows + k_panel * P) * P + lane;
  for (int i = R * (int(threadIdx.x) / LANES); i < P; i += R * (NT / LANES))
    multiply_rows<R, L, N, P>(P - i, TileRows<T, 1, P>{a + i}, b, depth, depth, c + i * P, P, accumulate);
}

}  // namespace

template <class Stream, class T>
void winograd_product(Stream stream, int stride, std::int64_t count, const WinogradDomain& dv, const T* v,
                      const WinogradFilter& du, const T* u, const WinogradDomain& dm, T* m) {
  constexpr int NT = threads<Stream>(128), L = lanes<Stream, T>, P = winograd_panel<Stream, T>;
  constexpr int R = choose<Stream>(8, host_tile_rows);
  const unsigned across = NT == 1 ? 1 : unsigned(ceil_div(count, R * (NT / 32)));
  const Grid grid{dim3(across, unsigned(du.columns / P), 36), dim3(NT)};
  if (stride == 1)
    launch<winograd_product_kernel<NT, R, L, P, 1, T>>(stream, grid, count, dv, v, du, u, dm, m);
  else
    launch<winograd_product_kernel<NT, R, L, P, 2, T>>(stream, grid, count, dv, v, du, u, dm, m);
}

template <class Stream, class T>
void winograd_gradient_product(Stream stream, int stride, std::int64_t count, const WinogradDomain& dw,
                               const T* w, const WinogradDomain& dv, const T* v, const WinogradFilter& du,
                               T* u, bool accumulate) {
  constexpr int NT = threads<Stream>(128), L = lanes<Stream, T>, P = winograd_panel<Stream, T>;
  constexpr int R = choose<Stream>(8, host_tile_rows);
  const Grid grid{dim3(unsigned(du.rows / P), unsigned(du.columns / P), 36), dim3(NT)};
  if (stride == 1)
    launch<winograd_gradient_product_kernel<NT, R, L, P, 1, T>>(stream, grid, count, dw, w, dv, v, du, u,
                                                                accumulate);
  else
    launch<winograd_gradient_product_kernel<NT, R, L, P, 2, T>>(stream, grid, count, dw, w, dv, v, du, u,
                                                                accumulate);
}

INSTANTIATE(winograd_product)
INSTANTIATE(winograd_gradient_product)

}  // namespace kernels
