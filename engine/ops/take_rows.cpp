#include "engine/ops.h"
#include "kernels/kernels.h"

namespace engine {

Tensor take_rows(const Tensor& x, const Tensor& rows) {
  require_f32_f64("take_rows", x);
  require(x.shape().rank() == 2, "take_rows: x is ", x.shape(), ", expected (M,D)");
  require(rows.shape().rank() == 1 && rows.dtype() == DType::i32 && rows.device() == x.device(),
          "take_rows: rows are ", rows.dtype(), " ", rows.shape(), " on ", rows.device(),
          ", expected i32 (N) on ", x.device());
  const Tensor y({rows.dim(0), x.dim(1)}, x.dtype(), x.device());
  dispatch_f32_f64("take_rows", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::take_rows(stream, rows.dim(0), x.dim(1), x.data<T>(), rows.data<std::int32_t>(), y.data<T>());
  });
  return y;
}

}  // namespace engine
