#include <algorithm>

#include "engine/ops.h"
#include "engine/recompute.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

// Consecutive rows of this rank that are normalized together.
struct Piece {
  std::int64_t group, first, rows;
};

// How the rows of all ranks are cut at the borders of ranks and of groups. Since both lie in order, the
// pieces in order of rank are in order of group, too.
struct Cut {
  std::vector<Piece> own;
  std::vector<std::int64_t> of_rank, of_group;  // numbers of pieces
};

// positions: rows of each sample
Cut cut_rows(const NormGroups& groups, std::int64_t samples, std::int64_t positions,
             const Communicator& comm) {
  Cut cut{.own = {},
          .of_rank = std::vector<std::int64_t>(std::size_t(comm.size()), 0),
          .of_group = std::vector<std::int64_t>(std::size_t(groups.count), 0)};
  for (int r = 0; r < comm.size(); ++r)
    for (int g = 0; g < groups.count; ++g) {
      const Shard of_rank = shard(samples, r, comm.size()), of_group = shard(samples, g, groups.count);
      const std::int64_t first = std::max(of_rank.first, of_group.first),
                         last = std::min(of_rank.first + of_rank.count, of_group.first + of_group.count);
      if (first >= last) continue;
      ++cut.of_rank[std::size_t(r)];
      ++cut.of_group[std::size_t(g)];
      if (r == comm.rank())
        cut.own.push_back({g, (first - of_rank.first) * positions, (last - first) * positions});
    }
  return cut;
}

template <class T>
T* from(T* array, std::int64_t offset) {
  return array == nullptr ? nullptr : array + offset;
}

// Without groups all rows are one piece, however many each rank has.
Cut whole(std::int64_t rows, const Communicator& comm) {
  return {{{0, 0, rows}}, std::vector<std::int64_t>(std::size_t(comm.size()), 1), {comm.size()}};
}

// (parts,2C+1): the moments of the slabs of rows
Tensor moments(const Tensor& x, const Piece& piece, std::int64_t C) {
  const Tensor partials({kernels::row_slabs(piece.rows, C), 2 * C + 1}, accumulator(x.dtype()), x.device());
  dispatch("batch_norm", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::batch_norm_statistics(stream, piece.rows, C, x.data<T>() + piece.first * C,
                                   partials.data<kernels::acc_t<T>>());
  });
  return partials;
}

// Of each group (parts,2C+1), its moments in parts.
Tensors moments_of_groups(const Tensor& x, std::int64_t C, const Cut& cut, Communicator& comm) {
  Tensors own;
  for (const Piece& piece : cut.own) own.push_back(moments(x, piece, C));
  if (comm.size() == 1) return own;
  const Tensor merged({std::int64_t(own.size()), 2 * C + 1}, accumulator(x.dtype()), x.device());
  dispatch_f32_f64("batch_norm", merged, [&](auto stream, auto zero) {
    using A = decltype(zero);
    for (std::size_t i = 0; i < own.size(); ++i)
      kernels::batch_norm_merge(stream, own[i].dim(0), C, own[i].data<A>(),
                                merged.slice(std::int64_t(i), 1).data<A>());
  });
  const Tensor all = comm.all_gather(merged, cut.of_rank);
  Tensors of_groups;
  std::int64_t first = 0;
  for (const std::int64_t count : cut.of_group) {
    of_groups.push_back(all.slice(first, count));
    first += count;
  }
  return of_groups;
}

// Of each group (2C+1): mean, rstd and the number of rows, over all ranks. Updates the running statistics.
Tensors batch_statistics(const Tensor& x, std::int64_t C, const BatchNormState& state, const Cut& cut,
                         Communicator& comm) {
  const Tensors parts = moments_of_groups(x, C, cut, comm);
  Tensors statistics;
  for (std::size_t g = 0; g < parts.size(); ++g) {
    statistics.emplace_back(Shape{2 * C + 1}, accumulator(x.dtype()), x.device());
    dispatch_f32_f64("batch_norm", parts[g], [&](auto stream, auto zero) {
      using A = decltype(zero);
      const std::int64_t count = parts[g].dim(0);
      const A* of_parts = parts[g].data<A>();
      A *result = statistics[g].data<A>(), *mean = state.running_mean.data<A>(),
        *var = state.running_var.data<A>();
      auto* batches = state.num_batches_tracked.data<std::int64_t>();
      if (parts.size() == 1)
        kernels::batch_norm_finalize(stream, count, C, state.momentum, state.eps, of_parts, result, mean, var,
                                     batches);
      else
        kernels::batch_norm_finalize_group(stream, count, C, int(g), int(parts.size()), state.momentum,
                                           state.eps, of_parts, result, mean, var, batches);
    });
  }
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
           const BatchNormState& state, Mode mode, const Communicator& comm, const BatchNormFusion& fusion,
           const NormGroups& groups) {
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
  require(groups.count >= 1, "batch_norm: ", groups.count, " groups, expected at least 1");
  if (groups.count > 1)
    require(
        groups.samples >= groups.count && x.dim(0) == shard(groups.samples, comm.rank(), comm.size()).count,
        "batch_norm: x is ", x.shape(), ", expected this rank's part of ", groups.samples, " samples in ",
        groups.count, " groups");
  const Tensor& residual = fusion.residual;
  require(!residual.defined() || (residual.shape() == x.shape() && residual.dtype() == x.dtype()),
          "batch_norm: the residual is not like x ", x.shape(), " ", x.dtype());
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const BatchNormState& state,
                  Mode mode, Communicator& comm, const BatchNormFusion& fusion, const NormGroups& groups) {
  const std::int64_t C = x.shape().rank() ? x.dim(x.shape().rank() - 1) : 0, R = C ? x.numel() / C : 0;
  check(x, R, C, weight, bias, state, mode, comm, fusion, groups);
  const bool relu = fusion.relu, train = mode == Mode::train;

  const Cut cut =
      train && groups.count > 1 ? cut_rows(groups, groups.samples, R / x.dim(0), comm) : whole(R, comm);
  const Tensors statistics = once([&] {
    return train ? batch_statistics(x, C, state, cut, comm) : Tensors{running_statistics(C, state)};
  });
  const auto apply = [=](const Tensor& x, const Tensor& residual) {
    Tensor y = empty_like(x);
    dispatch("batch_norm", x, [&](auto stream, auto zero) {
      using T = decltype(zero);
      using A = kernels::acc_t<T>;
      for (const Piece& p : cut.own) {
        const std::int64_t at = p.first * C;
        kernels::batch_norm_apply(stream, p.rows, C, relu, x.data<T>() + at,
                                  statistics[std::size_t(p.group)].template data<A>(), weight.data<A>(),
                                  bias.data<A>(), from(residual.data_or_null<T>(), at), y.data<T>() + at);
      }
    });
    return y;
  };
  const Saved saved_x = x, saved_residual = fusion.again ? fusion.residual : Tensor();
  Tensor y = apply(x, fusion.residual);
  if (fusion.again) y = computed_again(y, [=] { return apply(saved_x.get(), saved_residual.get()); });

  // Backward recomputes the ReLU's mask from x. If a residual was added, it needs y.
  const bool has_residual = fusion.residual.defined();
  Saved saved_y = relu && has_residual ? y : Tensor();
  Tensors inputs{x, weight, bias};
  if (has_residual) inputs.push_back(fusion.residual);
  return record("batch_norm", y, inputs, [=, comm = &comm](const Tensor& dy, Gradients& out) mutable {
    const Tensor x = saved_x.get();
    const DType dtype = accumulator(x.dtype());
    const auto count = std::int64_t(statistics.size());
    const Tensor sums({count, 2 * C}, dtype, x.device());
    if (std::int64_t(cut.own.size()) < count) sums.fill_zero();  // of groups without rows of this rank
    // The gradient of the residual is dy masked by the ReLU. The first pass writes it, and the second pass
    // reads it instead of dy and y.
    const bool wants_residual = has_residual && out.wanted(3);
    const Tensor masked = wants_residual && relu ? out.in_place_of(dy) : Tensor();
    const Destination dweight = out.wanted(1) ? out.destination(1) : Destination{};
    const Destination dbias = out.wanted(2) ? out.destination(2) : Destination{};
    Tensor y = saved_y.get();
    dispatch("batch_norm", x, [&](auto stream, auto zero) {
      using T = decltype(zero);
      using A = kernels::acc_t<T>;
      for (const Piece& p : cut.own) {
        const std::int64_t parts = kernels::row_slabs(p.rows, C), at = p.first * C;
        const Tensor partials({parts, 2 * C}, dtype, x.device());
        kernels::batch_norm_backward_reduce(
            stream, p.rows, C, relu, x.data<T>() + at, from(y.data_or_null<T>(), at), dy.data<T>() + at,
            statistics[std::size_t(p.group)].template data<A>(), weight.data<A>(), bias.data<A>(),
            from(masked.data_or_null<T>(), at), partials.data<A>());
        const bool later = p.first > 0;  // adds to the sums of the first piece
        kernels::batch_norm_backward_sums(stream, parts, C, partials.data<A>(),
                                          sums.slice(p.group, 1).template data<A>(),
                                          dweight.tensor.data_or_null<A>(), dweight.accumulate || later,
                                          dbias.tensor.data_or_null<A>(), dbias.accumulate || later);
      }
    });
    if (masked.defined()) y = {}, saved_y = {};  // before dx is made, if y was computed again
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
        const T* d = masked.defined() ? masked.data<T>() : dy.data<T>();
        for (const Piece& p : cut.own) {
          const std::int64_t at = p.first * C;
          kernels::batch_norm_backward_apply(
              stream, p.rows, C, use_mask, x.data<T>() + at, from(y.data_or_null<T>(), at), d + at,
              statistics[std::size_t(p.group)].template data<A>(), weight.data<A>(), bias.data<A>(),
              sums.slice(p.group, 1).template data<A>(), dx.tensor.data<T>() + at, dx.accumulate);
        }
      });
    }
    if (wants_residual) out.give(3, masked.defined() ? masked : dy);
  });
}

}  // namespace engine
