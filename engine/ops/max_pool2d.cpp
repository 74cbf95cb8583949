#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor max_pool2d(const Tensor& x, int kernel, int stride, int padding) {
  require_floating("max_pool2d", x);
  require(x.shape().rank() == 4 && x.numel() > 0, "max_pool2d: x is ", x.shape(),
          ", expected (N,H,W,C), not empty");
  require(kernel >= 1 && kernel <= 15 && stride >= 1 && padding >= 0 && 2 * padding <= kernel,
          "max_pool2d: kernel ", kernel, ", stride ", stride, ", padding ", padding,
          ", expected 1 <= kernel <= 15, stride >= 1, 0 <= padding <= kernel / 2");
  const kernels::PoolShape shape{x.dim(0), x.dim(1), x.dim(2), x.dim(3), kernel, stride, padding};
  require(x.dim(1) + 2 * padding >= kernel && x.dim(2) + 2 * padding >= kernel, "max_pool2d: x is ",
          x.shape(), ", smaller than its window of ", kernel);
  const Shape pooled{shape.N, shape.P(), shape.Q(), shape.C};
  const Tensor y(pooled, x.dtype(), x.device()), indices(pooled, DType::u8, x.device());
  dispatch("max_pool2d", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::max_pool2d(stream, shape, x.data<T>(), y.data<T>(), indices.data<std::uint8_t>());
  });
  return record("max_pool2d", y, {x}, [=](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    dispatch("max_pool2d", dy, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::max_pool2d_backward(stream, shape, dy.data<T>(), indices.data<std::uint8_t>(),
                                   dx.tensor.data<T>(), dx.accumulate);
    });
  });
}

}  // namespace engine
