#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor relu(const Tensor& x) {
  Tensor y = empty_like(x);
  dispatch("relu", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::relu(stream, x.numel(), x.data<T>(), y.data<T>());
  });
  return record("relu", y, {x}, [=](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    dispatch("relu", y, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::relu_backward(stream, y.numel(), y.data<T>(), dy.data<T>(), dx.tensor.data<T>(),
                             dx.accumulate);
    });
  });
}

}  // namespace engine
