#include "engine/ops.h"
#include "kernels/kernels.h"

namespace engine {

TopK top_k(const Tensor& scores, int k) {
  require(scores.shape().rank() == 2 && scores.dim(1) <= 0x7fffffff, "top_k: scores is ", scores.shape(),
          ", expected (M,N), N below 2^31");
  require(k >= 1 && k <= scores.dim(1), "top_k: k is ", k, ", expected 1 .. ", scores.dim(1));
  const Shape shape{scores.dim(0), k};
  const TopK top{Tensor(shape, scores.dtype(), scores.device()), Tensor(shape, DType::i32, scores.device())};
  const Tensor values = empty_like(top.values), indices = empty_like(top.indices);
  dispatch("top_k", scores, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::top_k(stream, scores.dim(0), scores.dim(1), k, scores.data<T>(), top.values.data<T>(),
                   top.indices.data<std::int32_t>(), values.data<T>(), indices.data<std::int32_t>());
  });
  return top;
}

}  // namespace engine
