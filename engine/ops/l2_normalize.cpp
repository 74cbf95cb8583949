#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor l2_normalize(const Tensor& x, double eps) {
  require_floating("l2_normalize", x);
  require(x.shape().rank() == 2, "l2_normalize: x is ", x.shape(), ", expected (M,D)");
  require(eps > 0, "l2_normalize: eps is ", eps, ", expected above 0");
  const std::int64_t rows = x.dim(0), d = x.dim(1);
  const Tensor y = empty_like(x), norm({rows}, accumulator(x.dtype()), x.device());
  dispatch("l2_normalize", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::l2_normalize(stream, rows, d, eps, x.data<T>(), y.data<T>(), norm.data<kernels::acc_t<T>>());
  });
  return record("l2_normalize", y, {x}, [=](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    dispatch("l2_normalize", y, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::l2_normalize_backward(stream, rows, d, eps, y.data<T>(), norm.data<kernels::acc_t<T>>(),
                                     dy.data<T>(), dx.tensor.data<T>(), dx.accumulate);
    });
  });
}

}  // namespace engine
