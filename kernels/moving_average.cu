// The exponential moving average of a flat array, as a target network follows the trained one. The momentum
// is read from the device's memory, so all updates are launched with equal arguments.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    moving_average_kernel(std::int64_t n, const double* __restrict__ momentum, const A* __restrict__ x,
                          A* __restrict__ average) {
  const A rate = A(1 - *momentum);  // the difference in f64: 1 - 0.9996 would lose digits in f32
  for_each<NT>(n, [=](std::int64_t i) { average[i] += rate * (x[i] - average[i]); });
}

}  // namespace

template <class Stream, class A>
void moving_average(Stream stream, std::int64_t n, const double* momentum, const A* x, A* average) {
  constexpr int NT = threads<Stream>(256);
  launch<moving_average_kernel<NT, A>>(stream, grid_for<NT>(n), n, momentum, x, average);
}

INSTANTIATE(moving_average)

}  // namespace kernels
