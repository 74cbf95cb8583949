#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

// What backward needs of the rows of all ranks, and of the own ones.
struct Scalars {
  Tensor top, weight;            // of all ranks
  Tensor flat_top, flat_weight;  // the same of the second exponential; undefined if there is none
  Tensor pull, clamped;          // of own rows; clamped is undefined for NT-Xent's own negatives
};

kernels::Negatives checked(const Negatives& n, std::int64_t pairs) {
  require(n.debias >= 0 && n.debias < 1, "nt_xent: debias is ", n.debias, ", expected 0 to less than 1");
  require(n.hardness >= 0 && n.hardness <= 100, "nt_xent: hardness is ", n.hardness, ", expected 0 to 100");
  require(n.as_many >= 0, "nt_xent: as_many is ", n.as_many, ", expected at least 0");
  require(!n.decoupled || (n.debias == 0 && n.hardness == 0),
          "nt_xent: decoupled, expected debias and hardness 0");
  require(n == Negatives{} || pairs >= 2, "nt_xent: one pair has no negatives, expected at least 2 pairs");
  const double factor = n.as_many > 0 ? n.as_many / (2 * double(pairs) - 2) : 1;
  return {n.debias, n.hardness, factor, n.decoupled};
}

}  // namespace

Tensor nt_xent(const Tensor& h, const Tensor& tau, Communicator& communicator, std::int64_t pairs) {
  return nt_xent(h, tau, communicator, Negatives{}, pairs);
}

// Gathers the normalized rows of all ranks. Each rank computes the sums and the gradient of its own rows;
// from every other row the gradient needs one weight, which is gathered too. Every rank then has the loss
// over all ranks and the exact gradient of its rows. Gradients of parameters must therefore be summed over
// ranks, not averaged.
Tensor nt_xent(const Tensor& h, const Tensor& tau, Communicator& communicator, const Negatives& negatives,
               std::int64_t pairs) {
  require_f32_f64("nt_xent", h);
  require(h.shape().rank() == 2 && h.dim(0) >= 2 && h.dim(0) % 2 == 0 && h.dim(1) >= 1, "nt_xent: h is ",
          h.shape(), ", expected (2N,D)");
  require(tau.numel() == 1 && tau.dtype() == h.dtype() && tau.device() == h.device(), "nt_xent: tau is ",
          tau.dtype(), " ", tau.shape(), " on ", tau.device(), ", expected ", h.dtype(), " (1) on ",
          h.device());
  const std::int64_t rows = h.dim(0), d = h.dim(1);
  if (pairs == 0) pairs = rows / 2 * communicator.size();
  const std::vector<std::int64_t> counts = shard_counts(pairs, communicator.size(), 2);
  const Shard own_pairs = shard(pairs, communicator.rank(), communicator.size());
  require(rows == 2 * own_pairs.count, "nt_xent: h is ", h.shape(), ", expected ", 2 * own_pairs.count,
          " rows, this rank's part of ", pairs, " pairs");
  const std::int64_t columns = 2 * pairs;
  const kernels::Negatives n = checked(negatives, pairs);
  const bool plain = negatives == Negatives{};
  const double sharp = 1 + n.hardness;
  const kernels::NtXentShape shape{rows, 2 * own_pairs.first, columns, d};
  const std::int64_t splits = similarity_splits(shape);
  const auto make = [&](Shape s) { return Tensor(s, h.dtype(), h.device()); };

  const Tensor own = make({rows, d}), norm = make({rows}), loss = make({1});
  dispatch_f32_f64("nt_xent", h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::l2_normalize(stream, rows, d, kernels::nt_xent_eps, h.data<T>(), own.data<T>(), norm.data<T>());
  });
  const Tensor z = communicator.all_gather(own, counts), zt = make({d, columns});
  const Tensor own_top = make({rows}), own_weight = make({rows}), own_flat_top = make({rows}),
               own_flat_weight = make({rows});
  Scalars of_rows;
  of_rows.pull = make({rows});
  if (!plain) of_rows.clamped = make({rows});
  dispatch_f32_f64("nt_xent", h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor sum = make({splits, rows}), split_top = make({splits, rows}), row_loss = make({rows});
    const Tensor workspace = make({kernels::reduce_sum_workspace});
    kernels::transpose(stream, 1, columns, d, z.data<T>(), zt.data<T>(), false);
    kernels::nt_xent_row_sums(stream, shape, sharp, zt.data<T>(), tau.data<T>(), sum.data<T>(),
                              split_top.data<T>());
    if (plain) {
      kernels::nt_xent_rows(stream, shape, z.data<T>(), norm.data<T>(), tau.data<T>(), sum.data<T>(),
                            split_top.data<T>(), row_loss.data<T>(), own_top.data<T>(), own_weight.data<T>(),
                            of_rows.pull.template data<T>());
    } else {
      const bool hard = n.hardness > 0;
      const Tensor flat_sum = hard ? make({splits, rows}) : sum,
                   flat_split_top = hard ? make({splits, rows}) : split_top;
      if (hard)
        kernels::nt_xent_row_sums(stream, shape, n.hardness, zt.data<T>(), tau.data<T>(), flat_sum.data<T>(),
                                  flat_split_top.data<T>());
      kernels::nt_xent_negatives(stream, shape, n, z.data<T>(), norm.data<T>(), tau.data<T>(), sum.data<T>(),
                                 split_top.data<T>(), flat_sum.data<T>(), flat_split_top.data<T>(),
                                 row_loss.data<T>(), own_top.data<T>(), own_weight.data<T>(),
                                 of_rows.pull.template data<T>(), own_flat_top.data<T>(),
                                 own_flat_weight.data<T>(), of_rows.clamped.template data<T>());
    }
    kernels::reduce_sum(stream, rows, row_loss.data<T>(), 1.0 / double(columns), loss.data<T>(), false,
                        workspace.data<T>());
  });
  communicator.all_reduce_sum(loss);
  of_rows.top = communicator.all_gather(own_top, counts);
  of_rows.weight = communicator.all_gather(own_weight, counts);
  if (n.hardness > 0) {
    of_rows.flat_top = communicator.all_gather(own_flat_top, counts);
    of_rows.flat_weight = communicator.all_gather(own_flat_weight, counts);
  }

  return record("nt_xent", loss, {h, tau}, [=, tau = tau.detach()](const Tensor& dy, Gradients& out) {
    dispatch_f32_f64("nt_xent", z, [&](auto stream, auto zero) {
      using T = decltype(zero);
      const Tensor dz({splits, rows, d}, z.dtype(), z.device()), row_dtau({rows}, z.dtype(), z.device());
      const Scalars& r = of_rows;
      kernels::nt_xent_backward(stream, shape, sharp, false, z.data<T>(), zt.data<T>(), tau.data<T>(),
                                r.top.template data<T>(), r.weight.template data<T>(),
                                r.pull.template data<T>(), dz.data<T>());
      if (n.hardness > 0)
        kernels::nt_xent_backward(stream, shape, n.hardness, true, z.data<T>(), zt.data<T>(), tau.data<T>(),
                                  r.flat_top.template data<T>(), r.flat_weight.template data<T>(),
                                  static_cast<const T*>(nullptr), dz.data<T>());
      const Destination dh = out.wanted(0) ? out.destination(0) : Destination{};
      kernels::nt_xent_jacobian(stream, shape, z.data<T>(), norm.data<T>(), tau.data<T>(), dy.data<T>(),
                                r.clamped.template data_or_null<T>(), dz.data<T>(),
                                dh.tensor.data_or_null<T>(), dh.accumulate,
                                out.wanted(1) ? row_dtau.data<T>() : nullptr);
      if (out.wanted(1)) {
        const Destination dtau = out.destination(1);
        const Tensor workspace({kernels::reduce_sum_workspace}, z.dtype(), z.device());
        kernels::reduce_sum(stream, rows, row_dtau.data<T>(), 1.0, dtau.tensor.data<T>(), dtau.accumulate,
                            workspace.data<T>());
      }
    });
  });
}

}  // namespace engine
