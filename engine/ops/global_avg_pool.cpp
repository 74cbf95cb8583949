#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor global_avg_pool(const Tensor& x) {
  require(x.shape().rank() == 4 && x.numel() > 0, "global_avg_pool: x is ", x.shape(),
          ", expected (N,H,W,C), not empty");
  const std::int64_t N = x.dim(0), S = x.dim(1) * x.dim(2), C = x.dim(3);
  const Tensor y({N, C}, x.dtype(), x.device());
  dispatch("global_avg_pool", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::global_avg_pool(stream, N, S, C, x.data<T>(), y.data<T>());
  });
  return record("global_avg_pool", y, {x}, [=](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    dispatch("global_avg_pool", dy, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::global_avg_pool_backward(stream, N, S, C, dy.data<T>(), dx.tensor.data<T>(), dx.accumulate);
    });
  });
}

}  // namespace engine
