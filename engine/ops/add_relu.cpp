#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor add_relu(const Tensor& a, const Tensor& b) {
  require(a.shape() == b.shape() && a.dtype() == b.dtype(), "add_relu: ", a.shape(), " ", a.dtype(), " and ",
          b.shape(), " ", b.dtype(), ", expected the same");
  Tensor y = empty_like(a);
  dispatch("add_relu", a, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::add_relu(stream, a.numel(), a.data<T>(), b.data<T>(), y.data<T>());
  });
  return record("add_relu", y, {a, b}, [=](const Tensor& dy, Gradients& out) {
    const Tensor masked = empty_like(y);
    dispatch("add_relu", y, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::relu_backward(stream, y.numel(), y.data<T>(), dy.data<T>(), masked.data<T>(), false);
    });
    for (int i : {0, 1})
      if (out.wanted(i)) out.give(i, masked);
  });
}

}  // namespace engine
