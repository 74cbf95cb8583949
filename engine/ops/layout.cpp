// nchw_to_nhwc and nhwc_to_nchw: the transpose of a (C, HW) matrix for each image.
#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

void transpose(const char* op, std::int64_t batch, std::int64_t rows, std::int64_t columns, const Tensor& x,
               const Tensor& y, bool accumulate) {
  if (x.numel() == 0) return;
  dispatch(op, x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::transpose(stream, batch, rows, columns, x.data<T>(), y.data<T>(), accumulate);
  });
}

Tensor transposed(const char* op, const Tensor& x, const Shape& to, std::int64_t rows, std::int64_t columns) {
  const Tensor y(to, x.dtype(), x.device());
  const std::int64_t batch = x.dim(0);
  transpose(op, batch, rows, columns, x, y, false);
  return record(op, y, {x}, [=](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0);
    transpose(op, batch, columns, rows, dy, dx.tensor, dx.accumulate);
  });
}

}  // namespace

Tensor nchw_to_nhwc(const Tensor& x) {
  require(x.shape().rank() == 4, "nchw_to_nhwc: x is ", x.shape(), ", expected (N,C,H,W)");
  return transposed("nchw_to_nhwc", x, {x.dim(0), x.dim(2), x.dim(3), x.dim(1)}, x.dim(1),
                    x.dim(2) * x.dim(3));
}

Tensor nhwc_to_nchw(const Tensor& x) {
  require(x.shape().rank() == 4, "nhwc_to_nchw: x is ", x.shape(), ", expected (N,H,W,C)");
  return transposed("nhwc_to_nchw", x, {x.dim(0), x.dim(3), x.dim(1), x.dim(2)}, x.dim(1) * x.dim(2),
                    x.dim(3));
}

}  // namespace engine
