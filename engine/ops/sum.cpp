#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

// y = scale * sum of all elements
Tensor scaled_sum(const char* op, const Tensor& x, double scale) {
  const Tensor y({1}, accumulator(x.dtype()), x.device());
  dispatch(op, x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    using A = kernels::acc_t<T>;
    const Tensor workspace({kernels::reduce_sum_workspace}, y.dtype(), x.device());
    kernels::reduce_sum(stream, x.numel(), x.data<T>(), scale, y.data<A>(), false, workspace.data<A>());
  });
  return record(op, y, {x}, [=](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    dispatch(op, dx.tensor, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::fill_from(stream, dx.tensor.numel(), scale, dy.data<kernels::acc_t<T>>(), dx.tensor.data<T>(),
                         dx.accumulate);
    });
  });
}

}  // namespace

Tensor sum(const Tensor& x) { return scaled_sum("sum", x, 1); }

Tensor mean(const Tensor& x) {
  require(x.numel() > 0, "mean: x is ", x.shape(), ", expected at least one element");
  return scaled_sum("mean", x, 1.0 / double(x.numel()));
}

}  // namespace engine
