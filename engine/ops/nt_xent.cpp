#include "engine/ops/negatives.h"
#include "engine/ops/pair_rows.h"

namespace engine {
namespace {

// What backward needs of the rows of all ranks, and of the own ones.
struct Scalars {
  Tensor top, weight;            // of all ranks
  Tensor flat_top, flat_weight;  // the same of the second exponential; undefined if there is none
  Tensor pull, clamped;          // of own rows; clamped is undefined for NT-Xent's own negatives
};

}  // namespace

Tensor nt_xent(const Tensor& h, const Tensor& tau, Communicator& communicator, std::int64_t pairs) {
  return nt_xent(h, tau, communicator, Negatives{}, pairs);
}

// Gathers the normalized rows of all ranks. Each rank computes the sums and the gradient of its own rows;
// from every other row the gradient needs one weight, which is gathered too. Every rank then has the loss
// over all ranks and the exact gradient of its rows. Gradients of parameters must therefore be summed over
// ranks, not averaged.
Tensor nt_xent(const Tensor& h, const Tensor& tau, Communicator& communicator, const Negatives& negatives,
               std::int64_t pairs, const Tensor& positive_weights) {
  const PairRows p = pair_rows("nt_xent", h, tau, communicator, pairs);
  const std::int64_t rows = p.shape.rows, d = p.shape.d, splits = p.splits;
  require(negatives == Negatives{} || p.shape.columns >= 4,
          "nt_xent: one pair has no negatives, expected at least 2 pairs");
  const kernels::Negatives n = kernel_negatives("nt_xent", negatives, p.shape.columns - 2);
  const bool plain = negatives == Negatives{}, hard = n.hardness > 0;
  const double sharp = 1 + n.hardness;
  require(!positive_weights.defined() ||
              (n.decoupled && positive_weights.shape() == Shape{rows / 2} &&
               positive_weights.dtype() == h.dtype() && positive_weights.device() == h.device()),
          "nt_xent: expected positive_weights only with decoupled, ", h.dtype(), " ", Shape{rows / 2}, " on ",
          h.device());

  const Tensor loss = p.make({1}), own_top = p.make({rows}), own_weight = p.make({rows}),
               own_flat_top = p.make({rows}), own_flat_weight = p.make({rows});
  Scalars of_rows;
  of_rows.pull = p.make({rows});
  if (!plain) of_rows.clamped = p.make({rows});
  dispatch_f32_f64("nt_xent", h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor sum = p.make({splits, rows}), split_top = p.make({splits, rows}), row_loss = p.make({rows});
    const Tensor workspace = p.make({kernels::reduce_sum_workspace});
    kernels::nt_xent_row_sums(stream, p.shape, sharp, p.zt.data<T>(), tau.data<T>(), sum.data<T>(),
                              split_top.data<T>());
    if (plain) {
      kernels::nt_xent_rows(stream, p.shape, p.z.data<T>(), p.norm.data<T>(), tau.data<T>(), sum.data<T>(),
                            split_top.data<T>(), row_loss.data<T>(), own_top.data<T>(), own_weight.data<T>(),
                            of_rows.pull.template data<T>());
    } else {
      const Tensor flat_sum = hard ? p.make({splits, rows}) : sum,
                   flat_split_top = hard ? p.make({splits, rows}) : split_top;
      if (hard)
        kernels::nt_xent_row_sums(stream, p.shape, n.hardness, p.zt.data<T>(), tau.data<T>(),
                                  flat_sum.data<T>(), flat_split_top.data<T>());
      kernels::nt_xent_negatives(stream, p.shape, n, p.z.data<T>(), p.norm.data<T>(), tau.data<T>(),
                                 sum.data<T>(), split_top.data<T>(), flat_sum.data<T>(),
                                 flat_split_top.data<T>(), positive_weights.data_or_null<T>(),
                                 row_loss.data<T>(), own_top.data<T>(), own_weight.data<T>(),
                                 of_rows.pull.template data<T>(), own_flat_top.data<T>(),
                                 own_flat_weight.data<T>(), of_rows.clamped.template data<T>());
    }
    kernels::reduce_sum(stream, rows, row_loss.data<T>(), 1.0 / double(p.shape.columns), loss.data<T>(),
                        false, workspace.data<T>());
  });
  communicator.all_reduce_sum(loss);
  of_rows.top = communicator.all_gather(own_top, p.counts);
  of_rows.weight = communicator.all_gather(own_weight, p.counts);
  if (hard) {
    of_rows.flat_top = communicator.all_gather(own_flat_top, p.counts);
    of_rows.flat_weight = communicator.all_gather(own_flat_weight, p.counts);
  }

  return record("nt_xent", loss, {h, tau}, [=, tau = tau.detach()](const Tensor& dy, Gradients& out) {
    const Tensor dz = p.make({splits, rows, d});
    dispatch_f32_f64("nt_xent", p.z, [&](auto stream, auto zero) {
      using T = decltype(zero);
      const Scalars& r = of_rows;
      kernels::nt_xent_backward(stream, p.shape, sharp, false, p.z.data<T>(), p.zt.data<T>(), tau.data<T>(),
                                r.top.template data<T>(), r.weight.template data<T>(),
                                r.pull.template data<T>(), dz.data<T>());
      if (hard)
        kernels::nt_xent_backward(stream, p.shape, n.hardness, true, p.z.data<T>(), p.zt.data<T>(),
                                  tau.data<T>(), r.flat_top.template data<T>(),
                                  r.flat_weight.template data<T>(), static_cast<const T*>(nullptr),
                                  dz.data<T>());
    });
    store_pair_gradients(p, tau, dy, of_rows.clamped, dz, out);
  });
}

}  // namespace engine
