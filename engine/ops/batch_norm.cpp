#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

// (2C+1): mean, rstd and the number of rows, over the rows of all ranks. Updates the running statistics.
Tensor batch_statistics(const Tensor& x, std::int64_t R, std::int64_t C, const BatchNormState& state,
                        Communicator& comm) {
  const DType dtype = accumulator(x.dtype());
  std::int64_t parts = kernels::row_slabs(R, C);
  Tensor partials({parts, 2 * C + 1}, dtype, x.device());
  dispatch("batch_norm", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::batch_norm_statistics(stream, R, C, x.data<T>(), partials.data<kernels::acc_t<T>>());
  });
  if (comm.size() > 1) {
    const Tensor merged({1, 2 * C + 1}, dtype, x.device());
    dispatch_f32_f64("batch_norm", partials, [&](auto stream, auto zero) {
      using A = decltype(zero);
      kernels::batch_norm_merge(stream, parts, C, partials.data<A>(), merged.data<A>());
    });
    partials = comm.all_gather(merged);
    parts = comm.size();
  }
  const Tensor statistics({2 * C + 1}, dtype, x.device());
  dispatch_f32_f64("batch_norm", partials, [&](auto stream, auto zero) {
    using A = decltype(zero);
    kernels::batch_norm_finalize(stream, parts, C, state.momentum, state.eps, partials.data<A>(),
                                 statistics.data<A>(), state.running_mean.data<A>(),
                                 state.running_var.data<A>(), state.num_batches_tracked.data<std::int64_t>());
  });
  return statistics;
}

Tensor running_statistics(std::int64_t C, const BatchNormState& state) {
  const Tensor statistics({2 * C + 1}, state.running_mean.dtype(), state.running_mean.device());
  dispatch_f32_f64("batch_norm", statistics, [&](auto stream, auto zero) {
    using A = decltype(zero);
    kernels::batch_norm_running(stream, C, state.eps, state.running_mean.data<A>(),
                                state.running_var.data<A>(), statistics.data<A>());
  });
  return statistics;
}

void check(const Tensor& x, std::int64_t R, std::int64_t C, const Tensor& weight, const Tensor& bias,
           const BatchNormState& state, Mode mode, const Communicator& comm, const BatchNormFusion& fusion) {
  require(x.shape().rank() >= 2 && x.numel() > 0, "batch_norm: x is ", x.shape(),
          ", expected (...,C), not empty");
  const auto channels = [&](const char* name, const Tensor& t) {
    require(t.defined(), "batch_norm: no ", name);
    require(t.shape() == Shape{C} && t.dtype() == accumulator(x.dtype()) && t.device() == x.device(),
            "batch_norm: ", name, " is ", t.shape(), " ", t.dtype(), " on ", t.device(), ", expected ",
            Shape{C}, " ", accumulator(x.dtype()), " on ", x.device());
  };
  channels("weight", weight);
  channels("bias", bias);
  channels("running_mean", state.running_mean);
  channels("running_var", state.running_var);
  if (mode == Mode::train) {
    require(state.num_batches_tracked.defined() && state.num_batches_tracked.shape() == Shape{1},
            "batch_norm: num_batches_tracked, expected (1)");
    require(R * comm.size() > 1, "batch_norm: x is ", x.shape(),
            ", one row has no variance; expected more than one");
  }
  const Tensor& residual = fusion.residual;
  require(!residual.defined() || (residual.shape() == x.shape() && residual.dtype() == x.dtype()),
          "batch_norm: the residual is not like x ", x.shape(), " ", x.dtype());
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const BatchNormState& state,
                  Mode mode, Communicator& comm, const BatchNormFusion& fusion) {
  const std::int64_t C = x.shape().rank() ? x.dim(x.shape().rank() - 1) : 0, R = C ? x.numel() / C : 0;
  check(x, R, C, weight, bias, state, mode, comm, fusion);
  const bool relu = fusion.relu, train = mode == Mode::train;
  const Tensor residual = fusion.residual;

  const Tensor statistics = train ? batch_statistics(x, R, C, state, comm) : running_statistics(C, state);
  Tensor y = empty_like(x);
  dispatch("batch_norm", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    using A = kernels::acc_t<T>;
    kernels::batch_norm_apply(stream, R, C, relu, x.data<T>(), statistics.data<A>(), weight.data<A>(),
                              bias.data<A>(), residual.data_or_null<T>(), y.data<T>());
  });

  // Backward recomputes the ReLU's mask from x. If a residual was added, it needs y.
  const bool has_residual = residual.defined();
  const Tensor mask = relu && has_residual ? y : Tensor();
  Tensors inputs{x, weight, bias};
  if (has_residual) inputs.push_back(residual);
  return record("batch_norm", y, inputs, [=, comm = &comm](const Tensor& dy, Gradients& out) {
    const DType dtype = accumulator(x.dtype());
    const std::int64_t parts = kernels::row_slabs(R, C);
    const Tensor partials({parts, 2 * C}, dtype, x.device());
    Tensor sums({2 * C}, dtype, x.device());
    // The gradient of the residual is dy masked by the ReLU. The first pass writes it, and the second pass
    // reads it instead of dy and y.
    const bool wants_residual = has_residual && out.wanted(3);
    const Tensor masked = wants_residual && relu ? empty_like(x) : Tensor();
    const Destination dweight = out.wanted(1) ? out.destination(1) : Destination{};
    const Destination dbias = out.wanted(2) ? out.destination(2) : Destination{};
    dispatch("batch_norm", x, [&](auto stream, auto zero) {
      using T = decltype(zero);
      using A = kernels::acc_t<T>;
      kernels::batch_norm_backward_reduce(stream, R, C, relu, x.data<T>(), mask.data_or_null<T>(),
                                          dy.data<T>(), statistics.data<A>(), weight.data<A>(),
                                          bias.data<A>(), masked.data_or_null<T>(), partials.data<A>());
      kernels::batch_norm_backward_sums(stream, parts, C, partials.data<A>(), sums.data<A>(),
                                        dweight.tensor.data_or_null<A>(), dweight.accumulate,
                                        dbias.tensor.data_or_null<A>(), dbias.accumulate);
    });
    if (out.wanted(0)) {
      if (!train)
        sums.fill_zero();  // the statistics are constants
      else if (comm->size() > 1)
        comm->all_reduce_sum(sums);
      const Destination dx = out.destination(0);
      dispatch("batch_norm", x, [&](auto stream, auto zero) {
        using T = decltype(zero);
        using A = kernels::acc_t<T>;
        const bool use_mask = relu && !masked.defined();
        kernels::batch_norm_backward_apply(stream, R, C, use_mask, x.data<T>(), mask.data_or_null<T>(),
                                           masked.defined() ? masked.data<T>() : dy.data<T>(),
                                           statistics.data<A>(), weight.data<A>(), bias.data<A>(),
                                           sums.data<A>(), dx.tensor.data<T>(), dx.accumulate);
      });
    }
    if (wants_residual) out.give(3, masked.defined() ? masked : dy);
  });
}

}  // namespace engine
