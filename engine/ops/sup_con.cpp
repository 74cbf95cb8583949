#include "engine/ops/pair_rows.h"

namespace engine {
namespace {

void check_labels(const Tensor& labels, const Tensor& h) {
  const std::int64_t rows = h.dim(0);
  require(labels.defined() && labels.shape() == Shape{rows} && labels.dtype() == DType::i32 &&
              labels.device() == h.device(),
          "sup_con: expected labels, i32 ", Shape{rows}, " on ", h.device());
  if (labels.device() != cpu) return;  // on a GPU the check would wait
  const auto* label = labels.data<std::int32_t>();
  for (std::int64_t i = 0; i < rows / 2; ++i)
    require(label[i] >= 0 && label[i] == label[i + rows / 2], "sup_con: the labels of image ", i, " are ",
            label[i], " and ", label[i + rows / 2], ", expected the same in both views, and at least 0");
}

}  // namespace

// As nt_xent, of which it gathers the rows and two numbers of each, it gathers the labels. A row's gradient
// needs no other row's number of positives, which is that of all rows of a class.
Tensor sup_con(const Tensor& h, const Tensor& labels, const Tensor& tau, Communicator& communicator,
               std::int64_t pairs) {
  const PairRows p = pair_rows("sup_con", h, tau, communicator, pairs);
  check_labels(labels, h);
  const std::int64_t rows = p.shape.rows, d = p.shape.d, splits = p.splits;
  const Tensor classes = communicator.all_gather(labels, p.counts);
  const Tensor loss = p.make({1}), own_top = p.make({rows}), own_weight = p.make({rows}),
               pull = p.make({rows}), share = p.make({rows});
  dispatch_f32_f64("sup_con", h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor sum = p.make({splits, rows}), split_top = p.make({splits, rows}),
                 distance = p.make({splits, rows}), row_loss = p.make({rows});
    const Tensor workspace = p.make({kernels::reduce_sum_workspace});
    kernels::sup_con_row_sums(stream, p.shape, p.zt.data<T>(), classes.data<std::int32_t>(), tau.data<T>(),
                              sum.data<T>(), split_top.data<T>(), distance.data<T>());
    kernels::sup_con_rows(stream, p.shape, p.z.data<T>(), p.norm.data<T>(), classes.data<std::int32_t>(),
                          tau.data<T>(), sum.data<T>(), split_top.data<T>(), distance.data<T>(),
                          row_loss.data<T>(), own_top.data<T>(), own_weight.data<T>(), pull.data<T>(),
                          share.data<T>());
    kernels::reduce_sum(stream, rows, row_loss.data<T>(), 1.0 / double(p.shape.columns), loss.data<T>(),
                        false, workspace.data<T>());
  });
  communicator.all_reduce_sum(loss);
  const Tensor top = communicator.all_gather(own_top, p.counts),
               weight = communicator.all_gather(own_weight, p.counts);

  return record("sup_con", loss, {h, tau}, [=, tau = tau.detach()](const Tensor& dy, Gradients& out) {
    const Tensor dz = p.make({splits, rows, d});
    dispatch_f32_f64("sup_con", p.z, [&](auto stream, auto zero) {
      using T = decltype(zero);
      kernels::sup_con_backward(stream, p.shape, p.z.data<T>(), p.zt.data<T>(), classes.data<std::int32_t>(),
                                tau.data<T>(), top.data<T>(), weight.data<T>(), pull.data<T>(),
                                share.data<T>(), dz.data<T>());
    });
    store_pair_gradients(p, tau, dy, {}, dz, out);
  });
}

}  // namespace engine
