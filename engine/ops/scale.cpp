#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor scale(const Tensor& x, double factor) {
  Tensor y = empty_like(x);
  dispatch("scale", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::scale(stream, x.numel(), factor, x.data<T>(), y.data<T>(), false);
  });
  return record("scale", y, {x}, [factor](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    dispatch("scale", dy, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::scale(stream, dy.numel(), factor, dy.data<T>(), dx.tensor.data<T>(), dx.accumulate);
    });
  });
}

}  // namespace engine
