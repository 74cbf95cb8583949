#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

std::int64_t channels(const Shape& s) { return s[s.rank() - 1]; }

BatchNormState fresh_state(const Tensor& weight) {
  const Shape s = weight.shape();
  return {zeros(s, weight.dtype(), weight.device()), full(s, 1, weight.dtype(), weight.device()),
          zeros({1}, DType::i64, weight.device())};
}

Tensor as_parameter(const Tensor& t, const Tensor& x) { return cast(t, accumulator(x.dtype())); }

// Two ranks that hold the same rows: statistics, outputs and gradients must equal those of one rank.
class Mirror : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 2; }
  void all_reduce_sum(const Tensor& t) override {
    const Tensor twice = add(t.detach(), t.detach());
    copy_bytes(t.raw(), t.device(), twice.raw(), twice.device(), t.bytes());
  }
  Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>&) override {
    const Tensor both({2 * rows.dim(0), rows.dim(1)}, rows.dtype(), rows.device());
    for (std::int64_t i : {0, 1})
      copy_bytes(both.slice(i * rows.dim(0), rows.dim(0)).raw(), both.device(), rows.raw(), rows.device(),
                 rows.bytes());
    return both;
  }
  Tensor reduce_scatter_sum(const Tensor& rows) override { return rows; }
  void broadcast(const Tensor&, int) override {}
  void barrier() override {}
};

Communicator& mirror() {
  static Mirror communicator;
  return communicator;
}

// in: x, weight, bias, residual where there is one
Tensors batch_norm_apply(const Tensors& in, bool relu, Mode mode, Communicator& communicator = single()) {
  const Tensor weight = as_parameter(in[1], in[0]), bias = as_parameter(in[2], in[0]);
  BatchNormState state = fresh_state(weight.detach());
  if (mode == Mode::eval) {  // differ from the statistics of this batch
    state.running_mean = full(weight.shape(), 0.25, weight.dtype(), weight.device());
    state.running_var = full(weight.shape(), 2, weight.dtype(), weight.device());
  }
  return {batch_norm(in[0], weight, bias, state, mode, communicator,
                     {.relu = relu, .residual = in.size() > 3 ? in[3] : Tensor()})};
}

// The formula by plain loops: two passes for the variance.
std::vector<double> normalized(const Tensors& in, Mode mode) {
  const std::int64_t C = channels(in[0].shape()), R = in[0].numel() / C;
  const auto x = in[0].to_vector(), weight = in[1].to_vector(), bias = in[2].to_vector();
  std::vector<double> y(x.size());
  for (std::int64_t c = 0; c < C; ++c) {
    double mean = 0, variance = 0;
    for (std::int64_t r = 0; r < R; ++r) mean += x[std::size_t(r * C + c)] / double(R);
    for (std::int64_t r = 0; r < R; ++r)
      variance += std::pow(x[std::size_t(r * C + c)] - mean, 2) / double(R);
    if (mode == Mode::eval) mean = 0.25, variance = 2;
    for (std::int64_t r = 0; r < R; ++r) {
      const auto i = std::size_t(r * C + c);
      y[i] = weight[std::size_t(c)] * (x[i] - mean) / std::sqrt(variance + 1e-5) + bias[std::size_t(c)];
      if (in.size() > 3) y[i] += in[3].to_vector()[i];
    }
  }
  return y;
}

Tensors batch_norm_reference(const Tensors& in, bool relu, Mode mode) {
  std::vector<double> y = normalized(in, mode);
  if (relu)
    for (double& v : y) v = std::max(v, 0.0);
  return {from_vector(in[0].shape(), y, DType::f64)};
}

Tensors plain_inputs(const Shape& s, Random& r) {
  return {leaf(uniform(s, r, 2, 4)), leaf(uniform({channels(s)}, r, 0.5, 1.5)),
          leaf(uniform({channels(s)}, r))};
}

Tensors residual_inputs(const Shape& s, Random& r) {
  Tensors in = plain_inputs(s, r);
  in.push_back(leaf(uniform(s, r)));
  return in;
}

// Draws until every |pre-activation| is at least 0.01, so that no input is near the ReLU's kink. With a
// residual, the residual is shifted, since no statistics depend on it. Without one, values of x are drawn
// again.
Tensors inputs_off_kink(const Shape& s, Random& r, bool with_residual, Mode mode) {
  const double gap = 0.01;
  for (int attempt = 0; attempt < 10000; ++attempt) {
    Tensors in = plain_inputs(s, r);
    if (with_residual) in.push_back(leaf(uniform(s, r)));
    const std::vector<double> y = normalized(in, mode);
    bool clear = true;
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (std::abs(y[i]) >= gap) continue;
      if (with_residual)
        in[3].data<double>()[i] += y[i] < 0 ? -gap : gap;
      else
        clear = false;
    }
    if (clear) return in;
  }
  require(false, "batch_norm card: no inputs off the kink for ", s);
  return {};
}

const AddCase plain_case{{
    .name = "batch_norm",
    .inputs = plain_inputs,
    .apply = [](const Tensors& in) { return batch_norm_apply(in, false, Mode::train); },
    .check = {{4, 1}, {3, 3, 5, 3}, {7, 5}, {5, 33}, {3, 2, 2, 8}, {67, 1}},
    .bench = {{128, 32, 32, 64}, {128, 16, 16, 128}, {128, 8, 8, 256}, {128, 4, 4, 512}},
    .reference = [](const Tensors& in) { return batch_norm_reference(in, false, Mode::train); },
    .reference_tolerance = 1e-11,
    .bf16 = true,
}};

const AddCase batch_norm_relu_case{{
    .name = "batch_norm/relu",
    .inputs = [](const Shape& s, Random& r) { return inputs_off_kink(s, r, false, Mode::train); },
    .apply = [](const Tensors& in) { return batch_norm_apply(in, true, Mode::train); },
    .check = {{3, 1}, {3, 3, 2, 3}, {7, 5}, {2, 2, 2, 8}},
    .bench = {{128, 32, 32, 64}, {128, 16, 16, 128}, {128, 8, 8, 256}, {128, 4, 4, 512}},
    .bench_inputs = plain_inputs,
    .reference = [](const Tensors& in) { return batch_norm_reference(in, true, Mode::train); },
    .reference_tolerance = 1e-11,
}};

// Three groups, which have different numbers of rows.
constexpr int kGroups = 3;

Tensors grouped_apply(const Tensors& in) {
  const Tensor weight = as_parameter(in[1], in[0]), bias = as_parameter(in[2], in[0]);
  return {batch_norm(in[0], weight, bias, fresh_state(weight.detach()), Mode::train, single(),
                     {.relu = true, .residual = in[3]}, {kGroups, in[0].dim(0)})};
}

// Each group alone.
Tensors grouped_reference(const Tensors& in) {
  std::vector<double> y;
  for (int g = 0; g < kGroups; ++g) {
    const Shard rows = shard(in[0].dim(0), g, kGroups);
    const Tensors part{in[0].detach().slice(rows.first, rows.count), in[1], in[2],
                       in[3].detach().slice(rows.first, rows.count)};
    for (const double v : normalized(part, Mode::train)) y.push_back(std::max(v, 0.0));
  }
  return {from_vector(in[0].shape(), y, DType::f64)};
}

// The residual is far from the kink on either side.
Tensors grouped_inputs(const Shape& s, Random& r) {
  Tensors in = plain_inputs(s, r);
  in.push_back(leaf(uniform(s, r, 5, 6)));
  for (std::int64_t i = 0; i < in[3].numel(); ++i)
    if (r.below(3) == 0) in[3].data<double>()[i] -= 11;
  return in;
}

const AddCase grouped_case{{
    .name = "batch_norm/groups",
    .inputs = grouped_inputs,
    .apply = grouped_apply,
    .check = {{9, 1}, {3, 3, 2, 3}, {11, 5}, {4, 2, 2, 8}},
    .bench = {{128, 32, 32, 64}},
    .reference = grouped_reference,
    .reference_tolerance = 1e-11,
    .bf16 = true,
}};

const AddCase residual_case{{
    .name = "batch_norm/residual",
    .inputs = residual_inputs,
    .apply = [](const Tensors& in) { return batch_norm_apply(in, false, Mode::train); },
    .check = {{3, 2, 2, 3}, {6, 16}},
    .bench = {{128, 32, 32, 64}},
    .reference = [](const Tensors& in) { return batch_norm_reference(in, false, Mode::train); },
    .reference_tolerance = 1e-11,
    .bf16 = true,
}};

const AddCase relu_residual_case{{
    .name = "batch_norm/relu_residual",
    .inputs = [](const Shape& s, Random& r) { return inputs_off_kink(s, r, true, Mode::train); },
    .apply = [](const Tensors& in) { return batch_norm_apply(in, true, Mode::train); },
    .check = {{2, 1}, {3, 3, 2, 3}, {7, 5}, {2, 2, 2, 8}, {4, 17}},
    .bench = {{128, 32, 32, 64}, {128, 16, 16, 128}, {128, 8, 8, 256}, {128, 4, 4, 512}},
    .bench_inputs = residual_inputs,
    .reference = [](const Tensors& in) { return batch_norm_reference(in, true, Mode::train); },
    .reference_tolerance = 1e-11,
}};

// x is also the residual: one tensor is two inputs of one op.
const AddCase own_residual_case{{
    .name = "batch_norm/own_residual",
    .inputs =
        [](const Shape& s, Random& r) {  // x >= 6: every pre-activation is above the kink
          Tensors in = plain_inputs(s, r);
          in[0] = leaf(uniform(s, r, 6, 8));
          return in;
        },
    .apply =
        [](const Tensors& in) {
          return batch_norm_apply({in[0], in[1], in[2], in[0]}, true, Mode::train);
        },
    .check = {{3, 2}, {5, 9}},
    .bench = {{128, 32, 32, 64}},
}};

const AddCase two_ranks_case{{
    .name = "batch_norm/two_ranks",
    .inputs = [](const Shape& s, Random& r) { return inputs_off_kink(s, r, false, Mode::train); },
    .apply = [](const Tensors& in) { return batch_norm_apply(in, true, Mode::train, mirror()); },
    .check = {{2, 1}, {5, 9}},
    .bench = {{128, 32, 32, 64}},
    .bench_inputs = plain_inputs,
    .reference = [](const Tensors& in) { return batch_norm_reference(in, true, Mode::train); },
    .reference_tolerance = 1e-11,
}};

const AddCase eval_case{{
    .name = "batch_norm/eval",
    .inputs = [](const Shape& s, Random& r) { return inputs_off_kink(s, r, false, Mode::eval); },
    .apply = [](const Tensors& in) { return batch_norm_apply(in, true, Mode::eval); },
    .check = {{1, 1}, {3, 2, 2, 3}, {1, 65}, {5, 8}},
    .bench = {{128, 32, 32, 64}},
    .bench_inputs = plain_inputs,
    .reference = [](const Tensors& in) { return batch_norm_reference(in, true, Mode::eval); },
    .reference_tolerance = 1e-11,
}};

}  // namespace
}  // namespace engine
