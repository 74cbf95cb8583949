// Rows of a matrix in another order.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

template <int NT, class T>
__global__ void __launch_bounds__(NT)
    take_rows_kernel(std::int64_t n, std::int64_t d, const T* __restrict__ x,
                     const std::int32_t* __restrict__ row, T* __restrict__ y) {
  for_each<NT>(n * d, [=](std::int64_t i) { y[i] = x[row[i / d] * d + i % d]; });
}

}  // namespace

template <class Stream, class T>
void take_rows(Stream stream, std::int64_t n, std::int64_t d, const T* x, const std::int32_t* row, T* y) {
  constexpr int NT = threads<Stream>(256);
  launch<take_rows_kernel<NT, T>>(stream, grid_for<NT>(n * d), n, d, x, row, y);
}

INSTANTIATE(take_rows)

}  // namespace kernels
