#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor exponential(const Tensor& x) {
  require_f32_f64("exponential", x);
  Tensor y = empty_like(x);
  dispatch_f32_f64("exponential", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::exponential(stream, x.numel(), x.data<T>(), y.data<T>());
  });
  return record("exponential", y, {x}, [y](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    dispatch_f32_f64("exponential", y, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::exponential_backward(stream, y.numel(), y.data<T>(), dy.data<T>(), dx.tensor.data<T>(),
                                    dx.accumulate);
    });
  });
}

void clamp_values(const Tensor& x, double low, double high) {
  require_f32_f64("clamp_values", x);
  require(low <= high, "clamp_values: low is ", low, ", high ", high);
  dispatch_f32_f64("clamp_values", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::clamp_values(stream, x.numel(), low, high, x.data<T>());
  });
}

}  // namespace engine
