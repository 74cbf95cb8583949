#include "engine/optim/gradient_norm.h"

#include "kernels/kernels.h"

namespace engine {

GradientNorm::GradientNorm(const FlatParameters& parameters) : parameters_(parameters) {
  for (auto& s : parameters_.segments) s.decayed = true;  // lars_norms skips segments that are not decayed
  table_ = chunk_table(parameters_);
  const DType dtype = parameters.gradients.dtype();
  const Device device = parameters.gradients.device();
  partials_ = zeros({table_.dim(0), 2}, dtype, device);
  workspace_ = zeros({kernels::reduce_sum_workspace}, dtype, device);
  square_ = zeros({1}, dtype, device);
}

// lars_norms writes the sums of squares of two arrays for each chunk. Both are the gradients here, so the
// square of the norm is half of the total.
const Tensor& GradientNorm::operator()() const {
  dispatch_f32_f64("GradientNorm", parameters_.gradients, [&](auto stream, auto zero) {
    using A = decltype(zero);
    const A* gradients = parameters_.gradients.data<A>();
    kernels::lars_norms(stream, partials_.dim(0), chunks_of(table_), 0, gradients, gradients,
                        partials_.data<A>());
    kernels::reduce_sum(stream, partials_.numel(), partials_.data<A>(), 0.5, square_.data<A>(), false,
                        workspace_.data<A>());
  });
  return square_;
}

}  // namespace engine
