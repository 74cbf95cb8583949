#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

void convert(const Tensor& x, const Tensor& y, bool accumulate) {
  dispatch("cast", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const std::int64_t n = x.numel();
    switch (y.dtype()) {
      case DType::f32:
        return kernels::cast_to_f32(stream, n, x.data<T>(), y.data<float>(), accumulate);
      case DType::f64:
        return kernels::cast_to_f64(stream, n, x.data<T>(), y.data<double>(), accumulate);
      case DType::bf16:
        return kernels::cast_to_bf16(stream, n, x.data<T>(), y.data<bf16>(), accumulate);
      default:
        require(false, "cast: to ", y.dtype(), ", expected f32, f64 or bf16");
    }
  });
}

}  // namespace

Tensor cast(const Tensor& x, DType dtype) {
  if (dtype == x.dtype()) return x;
  const Tensor y(x.shape(), dtype, x.device());
  convert(x, y, false);
  return record("cast", y, {x}, [](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    convert(dy, dx.tensor, dx.accumulate);
  });
}

}  // namespace engine
