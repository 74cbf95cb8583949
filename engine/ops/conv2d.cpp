#include "engine/ops.h"
#include "engine/recompute.h"
#include "engine/tape.h"
#include "kernels/convolution/convolution.h"

namespace engine {

using kernels::Algorithm;

namespace {

kernels::ConvolutionShape shape_of(const Tensor& x, const Tensor& weight, int stride, int padding) {
  require_floating("conv2d", x);
  require(x.shape().rank() == 4, "conv2d: x is ", x.shape(), ", expected (N,H,W,C)");
  require(weight.shape().rank() == 4 && weight.dim(3) == x.dim(3), "conv2d: weight is ", weight.shape(),
          ", expected (K,R,S,", x.dim(3), ") for x of ", x.shape());
  require(weight.dtype() == accumulator(x.dtype()), "conv2d: weight is ", weight.dtype(), ", expected ",
          accumulator(x.dtype()), " for x of ", x.dtype());
  require(weight.device() == x.device(), "conv2d: weight is on ", weight.device(), ", x on ", x.device());
  require(x.dim(3) >= 1 && weight.dim(0) >= 1 && weight.dim(1) >= 1 && weight.dim(2) >= 1,
          "conv2d: weight is ", weight.shape(), ", expected at least 1 of each");
  require(stride >= 1 && padding >= 0 && padding <= 65535, "conv2d: stride ", stride, " and padding ",
          padding, ", expected at least 1, and 0 to 65535");
  const kernels::ConvolutionShape s{x.dim(0),      x.dim(1),      x.dim(2), x.dim(3), weight.dim(0),
                                    weight.dim(1), weight.dim(2), stride,   padding};
  require(s.h + 2 * padding >= s.r && s.w + 2 * padding >= s.s, "conv2d: the filter ", weight.shape(),
          " is larger than x of ", x.shape(), " with padding ", padding);
  return s;
}

// Scratch memory of one pass; the pool reuses it for the next op.
template <class Stream, class T>
Tensor workspace(Device device, const kernels::ConvolutionShape& s, kernels::Pass pass, Algorithm algorithm) {
  const std::size_t bytes = kernels::convolution_workspace_bytes<Stream, T>(s, pass, algorithm);
  return Tensor({std::int64_t(bytes)}, DType::u8, device);
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, int stride, int padding, Algorithm algorithm) {
  const kernels::ConvolutionShape s = shape_of(x, weight, stride, padding);
  const Tensor y({s.n, s.p(), s.q(), s.k}, x.dtype(), x.device());
  dispatch("conv2d", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor scratch = workspace<decltype(stream), T>(x.device(), s, kernels::Pass::forward, algorithm);
    kernels::convolution_forward(stream, s, x.data<T>(), weight.data<kernels::acc_t<T>>(), y.data<T>(),
                                 scratch.raw(), algorithm);
  });
  const Saved saved = x;
  return record("conv2d", y, {x, weight}, [=](const Tensor& dy, Gradients& out) {
    dispatch("conv2d", dy, [&](auto stream, auto zero) {
      using T = decltype(zero);
      using A = kernels::acc_t<T>;
      if (out.wanted(1)) {  // first, so that x is gone before dx is made if it is computed again
        const Destination dw = out.destination(1);
        const Tensor scratch =
            workspace<decltype(stream), T>(dy.device(), s, kernels::Pass::backward_weights, algorithm);
        kernels::convolution_backward_weights(stream, s, saved.get().data<T>(), dy.data<T>(),
                                              dw.tensor.data<A>(), dw.accumulate, scratch.raw(), algorithm);
      }
      if (out.wanted(0)) {
        const Destination dx = out.destination(0);
        const Tensor scratch =
            workspace<decltype(stream), T>(dy.device(), s, kernels::Pass::backward_data, algorithm);
        kernels::convolution_backward_data(stream, s, dy.data<T>(), weight.data<A>(), dx.tensor.data<T>(),
                                           dx.accumulate, scratch.raw(), algorithm);
      }
    });
  });
}

}  // namespace engine
