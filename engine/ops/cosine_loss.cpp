#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor cosine_loss(const Tensor& p, const Tensor& z, Communicator& communicator, std::int64_t pairs,
                   double weight) {
  require_f32_f64("cosine_loss", p);
  require(p.shape().rank() == 2 && p.dim(0) >= 1 && p.dim(1) >= 1 && z.shape() == p.shape() &&
              z.dtype() == p.dtype(),
          "cosine_loss: p is ", p.dtype(), " ", p.shape(), ", z ", z.dtype(), " ", z.shape(),
          ", expected (N,D) of both");
  const std::int64_t rows = p.dim(0), d = p.dim(1);
  if (pairs == 0) pairs = rows * communicator.size();
  const double scale = weight / double(pairs);
  const auto make = [&](Shape s) { return Tensor(s, p.dtype(), p.device()); };
  const Tensor row_loss = make({rows}), norm = make({rows}), z_norm = make({rows}), loss = make({1});
  dispatch_f32_f64("cosine_loss", p, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor workspace = make({kernels::reduce_sum_workspace});
    kernels::cosine_loss(stream, rows, d, kernels::nt_xent_eps, p.data<T>(), z.data<T>(), row_loss.data<T>(),
                         norm.data<T>(), z_norm.data<T>());
    kernels::reduce_sum(stream, rows, row_loss.data<T>(), scale, loss.data<T>(), false, workspace.data<T>());
  });
  communicator.all_reduce_sum(loss);
  return record(
      "cosine_loss", loss, {p}, [=, p = p.detach(), z = z.detach()](const Tensor& dy, Gradients& out) {
        const Destination dp = out.destination(0);
        dispatch_f32_f64("cosine_loss", p, [&](auto stream, auto zero) {
          using T = decltype(zero);
          kernels::cosine_loss_backward(stream, rows, d, kernels::nt_xent_eps, scale, p.data<T>(),
                                        z.data<T>(), row_loss.data<T>(), norm.data<T>(), z_norm.data<T>(),
                                        dy.data<T>(), dp.tensor.data<T>(), dp.accumulate);
        });
      });
}

}  // namespace engine
