#include "engine/ops.h"
#include "engine/recompute.h"
#include "engine/tape.h"
#include "kernels/kernels.h"
#include "kernels/vendor/matmul.h"

namespace engine {
namespace {

// Scratch memory of one product; the pool reuses it for the next op.
template <class TA, class TB, class Stream>
Tensor workspace(Stream, Device device, bool transpose_b, std::int64_t n, std::int64_t k, std::int64_t ldb) {
  const std::size_t bytes = kernels::matmul_workspace_bytes<Stream, TA, TB>(transpose_b, n, k, ldb);
  return Tensor({std::int64_t(bytes)}, DType::u8, device);
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  require_floating("linear", x);
  require(x.shape().rank() == 2 && x.dim(1) >= 1, "linear: x is ", x.shape(),
          ", expected (N,I), I at least 1");
  require(weight.shape().rank() == 2 && weight.dim(1) == x.dim(1), "linear: weight is ", weight.shape(),
          ", expected (O,", x.dim(1), ") for x of ", x.shape());
  require(weight.dtype() == accumulator(x.dtype()), "linear: weight is ", weight.dtype(), ", expected ",
          accumulator(x.dtype()), " for x of ", x.dtype());
  const std::int64_t rows = x.dim(0), in = x.dim(1), outputs = weight.dim(0);
  const Tensor y({rows, outputs}, x.dtype(), x.device());
  dispatch("linear", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    using A = kernels::acc_t<T>;
    const Tensor scratch = workspace<T, A>(stream, x.device(), true, outputs, in, in);
    kernels::matmul(stream, false, true, rows, outputs, in, x.data<T>(), in, weight.data<A>(), in,
                    y.data<T>(), outputs, false, scratch.raw());
  });
  const Saved saved = x;
  const Tensor product = record("linear", y, {x, weight}, [=](const Tensor& dy, Gradients& out) {
    dispatch("linear", dy, [&](auto stream, auto zero) {
      using T = decltype(zero);
      using A = kernels::acc_t<T>;
      if (out.wanted(0)) {
        const Destination dx = out.destination(0);
        const Tensor scratch = workspace<T, A>(stream, dy.device(), false, in, outputs, in);
        kernels::matmul(stream, false, false, rows, in, outputs, dy.data<T>(), outputs, weight.data<A>(), in,
                        dx.tensor.data<T>(), in, dx.accumulate, scratch.raw());
      }
      if (out.wanted(1)) {
        const Destination dw = out.destination(1);
        const Tensor scratch = workspace<T, T>(stream, dy.device(), false, in, rows, in);
        kernels::matmul(stream, true, false, outputs, in, rows, dy.data<T>(), outputs, saved.get().data<T>(),
                        in, dw.tensor.data<A>(), in, dw.accumulate, scratch.raw());
      }
    });
  });
  return bias.defined() ? bias_add(product, bias) : product;
}

}  // namespace engine
