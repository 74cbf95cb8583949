#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor add(const Tensor& a, const Tensor& b) {
  require(a.shape() == b.shape() && a.dtype() == b.dtype(), "add: ", a.shape(), " ", a.dtype(), " and ",
          b.shape(), " ", b.dtype(), ", expected the same");
  Tensor y = empty_like(a);
  dispatch("add", a, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::add(stream, a.numel(), a.data<T>(), b.data<T>(), y.data<T>());
  });
  return record("add", y, {a, b}, [](const Tensor& dy, Gradients& out) {
    for (int i : {0, 1})
      if (out.wanted(i)) out.give(i, dy);
  });
}

}  // namespace engine
