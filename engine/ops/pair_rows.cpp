#include "engine/ops/pair_rows.h"

namespace engine {

PairRows pair_rows(const char* op, const Tensor& h, const Tensor& tau, Communicator& communicator,
                   std::int64_t pairs) {
  require_f32_f64(op, h);
  require(h.shape().rank() == 2 && h.dim(0) >= 2 && h.dim(0) % 2 == 0 && h.dim(1) >= 1, op, ": h is ",
          h.shape(), ", expected (2N,D)");
  require(tau.numel() == 1 && tau.dtype() == h.dtype() && tau.device() == h.device(), op, ": tau is ",
          tau.dtype(), " ", tau.shape(), " on ", tau.device(), ", expected ", h.dtype(), " (1) on ",
          h.device());
  const std::int64_t rows = h.dim(0), d = h.dim(1);
  if (pairs == 0) pairs = rows / 2 * communicator.size();
  const Shard own_pairs = shard(pairs, communicator.rank(), communicator.size());
  require(rows == 2 * own_pairs.count, op, ": h is ", h.shape(), ", expected ", 2 * own_pairs.count,
          " rows, this rank's part of ", pairs, " pairs");
  PairRows r{.shape = {rows, 2 * own_pairs.first, 2 * pairs, d},
             .splits = 0,
             .counts = shard_counts(pairs, communicator.size(), 2),
             .norm = Tensor({rows}, h.dtype(), h.device()),
             .z = {},
             .zt = Tensor({d, 2 * pairs}, h.dtype(), h.device())};
  r.splits = similarity_splits(r.shape);
  dispatch_f32_f64(op, h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor own = empty_like(h);
    kernels::l2_normalize(stream, rows, d, kernels::nt_xent_eps, h.data<T>(), own.data<T>(),
                          r.norm.data<T>());
    r.z = communicator.all_gather(own, r.counts);
    kernels::transpose(stream, 1, r.shape.columns, d, r.z.data<T>(), r.zt.data<T>(), false);
  });
  return r;
}

void store_pair_gradients(const PairRows& r, const Tensor& tau, const Tensor& dy, const Tensor& clamped,
                          const Tensor& dz, Gradients& out) {
  const std::int64_t rows = r.shape.rows;
  dispatch_f32_f64("pair_rows", r.z, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor row_dtau = r.make({rows});
    const Destination dh = out.wanted(0) ? out.destination(0) : Destination{};
    kernels::nt_xent_jacobian(stream, r.shape, r.z.data<T>(), r.norm.data<T>(), tau.data<T>(), dy.data<T>(),
                              clamped.data_or_null<T>(), dz.data<T>(), dh.tensor.data_or_null<T>(),
                              dh.accumulate, out.wanted(1) ? row_dtau.data<T>() : nullptr);
    if (!out.wanted(1)) return;
    const Destination dtau = out.destination(1);
    const Tensor workspace = r.make({kernels::reduce_sum_workspace});
    kernels::reduce_sum(stream, rows, row_dtau.data<T>(), 1.0, dtau.tensor.data<T>(), dtau.accumulate,
                        workspace.data<T>());
  });
}

}  // namespace engine
