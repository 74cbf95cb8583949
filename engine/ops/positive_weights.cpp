#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor positive_weights(const Tensor& h, double sigma, Communicator& communicator, std::int64_t pairs) {
  require_f32_f64("positive_weights", h);
  require(h.shape().rank() == 2 && h.dim(0) >= 2 && h.dim(0) % 2 == 0 && h.dim(1) >= 1,
          "positive_weights: h is ", h.shape(), ", expected (2N,D)");
  require(sigma >= 0.05, "positive_weights: sigma is ", sigma, ", expected at least 0.05");
  const std::int64_t own = h.dim(0) / 2;
  if (pairs == 0) pairs = own * communicator.size();
  const Tensor e({own}, h.dtype(), h.device()), total({1}, h.dtype(), h.device()), weights = empty_like(e);
  const Tensor workspace({kernels::reduce_sum_workspace}, h.dtype(), h.device());
  dispatch_f32_f64("positive_weights", h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::pair_exponentials(stream, own, h.dim(1), sigma, h.data<T>(), e.data<T>());
    kernels::reduce_sum(stream, own, e.data<T>(), 1.0, total.data<T>(), false, workspace.data<T>());
  });
  communicator.all_reduce_sum(total);
  dispatch_f32_f64("positive_weights", h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::positive_weights(stream, own, pairs, e.data<T>(), total.data<T>(), weights.data<T>());
  });
  return weights;
}

}  // namespace engine
