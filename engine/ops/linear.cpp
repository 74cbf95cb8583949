#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"
#include "kernels/matmul.h"

namespace engine {

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require(x.shape().rank() == 2, "linear: x is ", x.shape(), ", expected (N,I)");
  require(weight.shape().rank() == 2 && weight.dim(1) == x.dim(1), "linear: weight is ", weight.shape(),
          ", expected (O,", x.dim(1), ") for x of ", x.shape());
  require(weight.dtype() == accumulator(x.dtype()), "linear: weight is ", weight.dtype(), ", expected ",
          accumulator(x.dtype()), " for x of ", x.dtype());
  const std::int64_t rows = x.dim(0), in = x.dim(1), outputs = weight.dim(0);
  const Tensor y({rows, outputs}, x.dtype(), x.device());
  dispatch(x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::matmul(stream, false, true, rows, outputs, in, x.data<T>(), in, weight.data<kernels::acc_t<T>>(),
                    in, y.data<T>(), outputs, false);
  });
  const Tensor product = record("linear", y, {x, weight}, [=](const Tensor& dy, Gradients& out) {
    dispatch(x, [&](auto stream, auto zero) {
      using T = decltype(zero);
      using A = kernels::acc_t<T>;
      if (out.wanted(0)) {
        const Destination dx = out.destination(0);
        kernels::matmul(stream, false, false, rows, in, outputs, dy.data<T>(), outputs, weight.data<A>(), in,
                        dx.tensor.data<T>(), in, dx.accumulate);
      }
      if (out.wanted(1)) {
        const Destination dw = out.destination(1);
        kernels::matmul(stream, true, false, outputs, in, rows, dy.data<T>(), outputs, x.data<T>(), in,
                        dw.tensor.data<A>(), in, dw.accumulate);
      }
    });
  });
  return bias.defined() ? bias_add(product, bias) : product;
}

}  // namespace engine
