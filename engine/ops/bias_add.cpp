// bias_add and bias_relu.
#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

Tensor add_bias(const char* op, bool relu, const Tensor& x, const Tensor& bias) {
  const int rank = x.shape().rank();
  require(rank >= 1 && x.numel() > 0, op, ": x is ", x.shape(), ", expected (...,C), not empty");
  const std::int64_t C = x.dim(rank - 1), R = x.numel() / C;
  require(bias.shape() == Shape{C} && bias.dtype() == accumulator(x.dtype()), op, ": bias is ", bias.shape(),
          " ", bias.dtype(), ", expected ", Shape{C}, " ", accumulator(x.dtype()));
  Tensor y = empty_like(x);
  dispatch("bias_add", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::bias_add(stream, R, C, relu, x.data<T>(), bias.data<kernels::acc_t<T>>(), y.data<T>());
  });
  const Tensor mask = relu ? y : Tensor();
  return record(op, y, {x, bias}, [=](const Tensor& dy, Gradients& out) {
    Tensor masked = dy;
    if (mask.defined()) {
      masked = empty_like(dy);
      dispatch("bias_add", dy, [&](auto stream, auto zero) {
        using T = decltype(zero);
        kernels::relu_backward(stream, dy.numel(), mask.data<T>(), dy.data<T>(), masked.data<T>(), false);
      });
    }
    if (out.wanted(1)) {
      const Destination dbias = out.destination(1);
      dispatch("bias_add", masked, [&](auto stream, auto zero) {
        using T = decltype(zero);
        using A = kernels::acc_t<T>;
        const std::int64_t slabs = kernels::row_slabs(R, C);
        const Tensor sums({slabs, C}, bias.dtype(), bias.device());
        kernels::slab_sums(stream, R, C, masked.data<T>(), sums.data<A>());
        kernels::column_sum(stream, slabs, C, sums.data<A>(), dbias.tensor.data<A>(), dbias.accumulate);
      });
    }
    if (out.wanted(0)) out.give(0, masked);
  });
}

}  // namespace

Tensor bias_add(const Tensor& x, const Tensor& bias) { return add_bias("bias_add", false, x, bias); }
Tensor bias_relu(const Tensor& x, const Tensor& bias) { return add_bias("bias_relu", true, x, bias); }

}  // namespace engine
