#include "engine/gradient_norm.h"

#include <algorithm>
#include <cstring>

#include "kernels/kernels.h"

namespace engine {

GradientNorm::GradientNorm(const FlatParameters& parameters) : parameters_(parameters) {
  constexpr std::int64_t most = 16384;
  std::vector<kernels::OptimizerChunk> chunks;
  for (const auto& s : parameters.segments)
    for (std::int64_t i = 0; i < s.numel; i += most)
      chunks.push_back({s.offset + i, std::min(most, s.numel - i), 0, 0, 1});
  require(!chunks.empty(), "GradientNorm: no parameters");
  const auto count = std::int64_t(chunks.size());
  const Tensor host({count, 5}, DType::i64, cpu);
  std::memcpy(host.raw(), chunks.data(), host.bytes());
  table_ = host.to(parameters.values.device());
  const DType dtype = parameters.gradients.dtype();
  const Device device = parameters.gradients.device();
  partials_ = zeros({count, 2}, dtype, device);
  workspace_ = zeros({kernels::reduce_sum_workspace}, dtype, device);
  square_ = zeros({1}, dtype, device);
}

// lars_norms gives, a chunk, the squares of two arrays: here of the same one, so half of all is the square.
const Tensor& GradientNorm::operator()() const {
  dispatch_f32_f64(parameters_.gradients, [&](auto stream, auto zero) {
    using A = decltype(zero);
    const A* gradients = parameters_.gradients.data<A>();
    kernels::lars_norms(stream, partials_.dim(0), static_cast<const kernels::OptimizerChunk*>(table_.raw()),
                        0, gradients, gradients, partials_.data<A>());
    kernels::reduce_sum(stream, partials_.numel(), partials_.data<A>(), 0.5, square_.data<A>(), false,
                        workspace_.data<A>());
  });
  return square_;
}

}  // namespace engine
