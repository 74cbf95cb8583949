// The card: an op made of the launchers, inputs, and shapes that are small and awkward. All checks run from
// it.
#include "rms_norm.h"

#include "engine/check/op_case.h"
#include "engine/tape.h"

namespace {

using namespace engine;

Tensor rms_norm(const Tensor& x, const Tensor& weight) {
  const std::int64_t R = x.dim(0), C = x.dim(1);
  Tensor y = empty_like(x);
  dispatch("rms_norm", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    mine::rms_norm(stream, R, C, x.data<T>(), weight.data<kernels::acc_t<T>>(), y.data<T>());
  });
  return record("rms_norm", y, {x, weight}, [=](const Tensor& dy, Gradients& out) {
    const Destination dx = out.destination(0), dweight = out.destination(1);
    dispatch("rms_norm", x, [&](auto stream, auto zero) {
      using T = decltype(zero);
      mine::rms_norm_backward(stream, R, C, x.data<T>(), weight.data<kernels::acc_t<T>>(), dy.data<T>(),
                              dx.tensor.data<T>(), dx.accumulate, dweight.tensor.data<kernels::acc_t<T>>(),
                              dweight.accumulate);
    });
  });
}

const AddCase rms_norm_case{{
    .name = "rms_norm",
    .inputs =
        [](const Shape& s, Random& r) {
          return Tensors{leaf(uniform(s, r)), leaf(uniform({s[1]}, r))};
        },
    .apply = [](const Tensors& in) { return Tensors{rms_norm(in[0], in[1])}; },
    .check = {{1, 1}, {3, 5}, {2, 65}},
    .bf16 = true,
}};

}  // namespace
