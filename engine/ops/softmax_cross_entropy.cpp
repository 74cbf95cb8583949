#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels) {
  require_f32_f64("softmax_cross_entropy", logits);
  require(logits.shape().rank() == 2 && logits.numel() > 0, "softmax_cross_entropy: logits is ",
          logits.shape(), ", expected (N,C)");
  const std::int64_t rows = logits.dim(0), classes = logits.dim(1);
  require(labels.shape() == Shape{rows} && labels.dtype() == DType::i32 && labels.device() == logits.device(),
          "softmax_cross_entropy: labels is ", labels.dtype(), " ", labels.shape(), " on ", labels.device(),
          ", expected i32 ", Shape{rows}, " on ", logits.device());
  if (labels.device() == cpu)  // on a GPU the check would wait; there a wrong label makes the loss NaN
    for (std::int64_t i = 0; i < rows; ++i)
      require(labels.data<std::int32_t>()[i] >= 0 && labels.data<std::int32_t>()[i] < classes,
              "softmax_cross_entropy: label ", i, " is ", labels.data<std::int32_t>()[i], ", expected 0 .. ",
              classes - 1);
  const Tensor loss({1}, logits.dtype(), logits.device()), log_sum({rows}, logits.dtype(), logits.device());
  dispatch_f32_f64("softmax_cross_entropy", logits, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor row_loss({rows}, loss.dtype(), loss.device());
    const Tensor workspace({kernels::reduce_sum_workspace}, loss.dtype(), loss.device());
    kernels::softmax_cross_entropy(stream, rows, classes, logits.data<T>(), labels.data<std::int32_t>(),
                                   row_loss.data<T>(), log_sum.data<T>());
    kernels::reduce_sum(stream, rows, row_loss.data<T>(), 1.0 / double(rows), loss.data<T>(), false,
                        workspace.data<T>());
  });
  return record("softmax_cross_entropy", loss, {logits},
                [=, logits = logits.detach()](const Tensor& dy, Gradients& out) {
                  const Destination dx = out.destination(0);
                  dispatch_f32_f64("softmax_cross_entropy", logits, [&](auto stream, auto zero) {
                    using T = decltype(zero);
                    kernels::softmax_cross_entropy_backward(stream, rows, classes, logits.data<T>(),
                                                            labels.data<std::int32_t>(), log_sum.data<T>(),
                                                            dy.data<T>(), dx.tensor.data<T>(), dx.accumulate);
                  });
                });
}

}  // namespace engine
