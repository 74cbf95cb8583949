#include "engine/ops.h"
#include "engine/ops/negatives.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

Tensor normalized(const Tensor& x, const Tensor& norm) {
  const Tensor y = empty_like(x);
  dispatch_f32_f64("info_nce", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::l2_normalize(stream, x.dim(0), x.dim(1), kernels::nt_xent_eps, x.data<T>(), y.data<T>(),
                          norm.data<T>());
  });
  return y;
}

// (N,D) -> (D,N)
Tensor transposed(const Tensor& x) {
  const Tensor y({x.dim(1), x.dim(0)}, x.dtype(), x.device());
  dispatch_f32_f64("info_nce", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::transpose(stream, 1, x.dim(0), x.dim(1), x.data<T>(), y.data<T>(), false);
  });
  return y;
}

void check_rows(const Tensor& q, const Tensor& keys, const Tensor& tau, const Tensor& queue) {
  require_f32_f64("info_nce", q);
  require(q.shape().rank() == 2 && q.dim(0) >= 1 && q.dim(1) >= 1 && keys.shape() == q.shape() &&
              keys.dtype() == q.dtype(),
          "info_nce: q is ", q.dtype(), " ", q.shape(), ", keys ", keys.dtype(), " ", keys.shape(),
          ", expected (N,D) of both");
  require(tau.numel() == 1 && tau.dtype() == q.dtype() && tau.device() == q.device(), "info_nce: tau is ",
          tau.dtype(), " ", tau.shape(), " on ", tau.device(), ", expected ", q.dtype(), " (1) on ",
          q.device());
  require(!queue.defined() || (queue.shape().rank() == 2 && queue.dim(0) >= 1 && queue.dim(1) == q.dim(1) &&
                               queue.dtype() == q.dtype()),
          "info_nce: the queue is ", queue.dtype(), " ", queue.shape(), ", expected ", q.dtype(), " (K,",
          q.dim(1), "), K at least 1");
}

}  // namespace

// The gradient of q's rows needs no other rank's rows, and the keys get none: only keys are gathered.
Tensor info_nce(const Tensor& q, const Tensor& keys, const Tensor& tau, Communicator& communicator,
                const InfoNceOptions& o) {
  check_rows(q, keys, tau, o.queue);
  const std::int64_t rows = q.dim(0), d = q.dim(1);
  const std::int64_t pairs = o.pairs == 0 ? rows * communicator.size() : o.pairs;
  const Shard own = shard(pairs, communicator.rank(), communicator.size());
  require(rows == own.count, "info_nce: q is ", q.shape(), ", expected ", own.count,
          " rows, this rank's part of ", pairs);
  const auto make = [&](Shape s) { return Tensor(s, q.dtype(), q.device()); };
  const Tensor norm = make({rows}), key_norm = make({rows});
  const Tensor z = normalized(q, norm), positive = normalized(keys, key_norm);
  const Tensor columns = o.queue.defined()
                             ? o.queue
                             : communicator.all_gather(positive, shard_counts(pairs, communicator.size()));
  const kernels::SimilarityShape shape{rows, o.queue.defined() ? columns.dim(0) : own.first, columns.dim(0),
                                       d};
  const std::int64_t splits = similarity_splits(shape);
  const std::int64_t count = o.queue.defined() ? shape.columns : pairs - 1;
  const bool plain = o.negatives == Negatives{};
  require(plain || count >= 1, "info_nce: one key has no negatives, expected at least 2 rows, or a queue");
  const kernels::Negatives n = kernel_negatives("info_nce", o.negatives, count);
  const bool hard = n.hardness > 0;
  const double sharp = 1 + n.hardness;
  const double scale = o.weight / double(pairs);
  const Tensor zt = transposed(z), columns_t = transposed(columns), loss = make({1});
  const Tensor top = make({rows}), weight = make({rows}), pull = make({rows});
  Tensor flat_top, flat_weight, clamped;  // of other negatives; the first two are of the second exponential
  if (!plain) flat_top = make({rows}), flat_weight = make({rows}), clamped = make({rows});
  dispatch_f32_f64("info_nce", q, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor sum = make({splits, rows}), split_top = make({splits, rows}), row_loss = make({rows});
    const Tensor workspace = make({kernels::reduce_sum_workspace});
    kernels::info_nce_row_sums(stream, shape, sharp, zt.data<T>(), columns_t.data<T>(), tau.data<T>(),
                               sum.data<T>(), split_top.data<T>());
    if (plain) {
      kernels::info_nce_rows(stream, shape, z.data<T>(), positive.data<T>(), norm.data<T>(),
                             key_norm.data<T>(), tau.data<T>(), sum.data<T>(), split_top.data<T>(),
                             row_loss.data<T>(), top.data<T>(), weight.data<T>(), pull.data<T>());
    } else {
      const Tensor flat_sum = hard ? make({splits, rows}) : sum,
                   flat_split_top = hard ? make({splits, rows}) : split_top;
      if (hard)
        kernels::info_nce_row_sums(stream, shape, n.hardness, zt.data<T>(), columns_t.data<T>(),
                                   tau.data<T>(), flat_sum.data<T>(), flat_split_top.data<T>());
      kernels::info_nce_negatives(stream, shape, n, z.data<T>(), positive.data<T>(), norm.data<T>(),
                                  key_norm.data<T>(), tau.data<T>(), sum.data<T>(), split_top.data<T>(),
                                  flat_sum.data<T>(), flat_split_top.data<T>(), row_loss.data<T>(),
                                  top.data<T>(), weight.data<T>(), pull.data<T>(), flat_top.data<T>(),
                                  flat_weight.data<T>(), clamped.data<T>());
    }
    kernels::reduce_sum(stream, rows, row_loss.data<T>(), scale, loss.data<T>(), false, workspace.data<T>());
  });
  communicator.all_reduce_sum(loss);

  return record("info_nce", loss, {q, tau}, [=, tau = tau.detach()](const Tensor& dy, Gradients& out) {
    dispatch_f32_f64("info_nce", z, [&](auto stream, auto zero) {
      using T = decltype(zero);
      const Tensor dq({splits, rows, d}, z.dtype(), z.device()), row_dtau({rows}, z.dtype(), z.device());
      kernels::info_nce_backward(stream, shape, sharp, false, zt.data<T>(), columns.data<T>(),
                                 columns_t.data<T>(), tau.data<T>(), top.data<T>(), weight.data<T>(),
                                 dq.data<T>());
      if (hard)
        kernels::info_nce_backward(stream, shape, n.hardness, true, zt.data<T>(), columns.data<T>(),
                                   columns_t.data<T>(), tau.data<T>(), flat_top.data<T>(),
                                   flat_weight.data<T>(), dq.data<T>());
      const Destination dh = out.wanted(0) ? out.destination(0) : Destination{};
      kernels::info_nce_jacobian(stream, shape, scale, z.data<T>(), positive.data<T>(), norm.data<T>(),
                                 pull.data<T>(), tau.data<T>(), dy.data<T>(), clamped.data_or_null<T>(),
                                 dq.data<T>(), dh.tensor.data_or_null<T>(), dh.accumulate,
                                 out.wanted(1) ? row_dtau.data<T>() : nullptr);
      if (!out.wanted(1)) return;
      const Destination dtau = out.destination(1);
      const Tensor workspace({kernels::reduce_sum_workspace}, z.dtype(), z.device());
      kernels::reduce_sum(stream, rows, row_dtau.data<T>(), 1.0, dtau.tensor.data<T>(), dtau.accumulate,
                          workspace.data<T>());
    });
  });
}

}  // namespace engine
