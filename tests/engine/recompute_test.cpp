// Tensors that backward computes again instead of keeping them.
#include "engine/recompute.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "engine/ops.h"
#include "engine/tape.h"

using engine::DType;
using engine::Tensor;

namespace {

Tensor values(std::int64_t rows, std::int64_t columns, double first) {
  std::vector<double> v(std::size_t(rows * columns));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = first + 0.37 * double((i * 7) % 11) - 1.5;
  return engine::from_vector({rows, columns}, v, DType::f64);
}

// linear(relu(linear(x, w1)), w2) in a region or not; counts how often it runs.
struct Net {
  Tensor w1 = leaf(values(5, 4, 0.1)), w2 = leaf(values(3, 5, -0.2));
  int runs = 0;
  Tensor operator()(const Tensor& x) {
    ++runs;
    return linear(relu(linear(x, w1, {})), w2, {});
  }
};

std::vector<std::vector<double>> gradients(const Tensor& y, const std::vector<Tensor>& leaves) {
  backward(y, values(y.dim(0), y.dim(1), 0.3));
  std::vector<std::vector<double>> all;
  for (const Tensor& t : leaves) all.push_back(engine::gradient(t).to_vector());
  return all;
}

}  // namespace

TEST_CASE("recompute: a region has the gradients of its ops, and runs once again") {
  Net kept, again;
  const Tensor x = leaf(values(6, 4, 0)), x_again = leaf(values(6, 4, 0));
  const auto expected = gradients(kept(x), {x, kept.w1, kept.w2});
  const Tensor y = engine::recomputed(x_again, [&](const Tensor& t) { return again(t); });
  CHECK(again.runs == 1);
  CHECK(gradients(y, {x_again, again.w1, again.w2}) == expected);
  CHECK(again.runs == 2);
}

TEST_CASE("recompute: regions lie in each other; once() runs in the first pass only") {
  Net kept, again;
  int effects = 0;
  const Tensor x = leaf(values(6, 4, 0)), x_again = leaf(values(6, 4, 0)), square = values(4, 3, 0.4);
  const auto expected = gradients(kept(linear(kept(x), square, {})), {x, kept.w1, kept.w2});
  const auto inner = [&](const Tensor& t) {
    return engine::recomputed(t, [&](const Tensor& u) {
      const auto factor = engine::once([&] {
        ++effects;
        return engine::Tensors{engine::full({1}, 1, DType::f64, engine::cpu)};
      });
      CHECK(factor.size() == 1);
      return again(u);
    });
  };
  const Tensor y =
      engine::recomputed(x_again, [&](const Tensor& t) { return inner(linear(inner(t), square, {})); });
  CHECK(gradients(y, {x_again, again.w1, again.w2}) == expected);
  CHECK(effects == 2);     // one for each inner region
  CHECK(again.runs == 6);  // first; again with the outer region; again each by itself
}

#ifndef DYAD_SIMT_ONLY  // sanitizers' builds have no pool that counts memory
TEST_CASE("recompute: what a region saves is not kept, and is gone after backward") {
  const auto use = [] { return engine::memory_use(engine::cpu).now; };
  const Tensor x = leaf(engine::zeros({1000, 100}, DType::f32, engine::cpu)),
               w = leaf(engine::zeros({100, 100}, DType::f32, engine::cpu));
  const auto net = [&](const Tensor& t) {
    Tensor y = t;
    for (int i = 0; i < 8; ++i) y = linear(y, w, {});
    return y;
  };
  const auto before = use();
  Tensor y = net(x);
  CHECK(use() - before > 7 * x.bytes());
  y = engine::recomputed(x, net);
  CHECK(use() - before < 2 * x.bytes());
  backward(y, y.detach());
  y = {};
  CHECK(use() - before < 2 * x.bytes());  // the two gradients
}
#endif

TEST_CASE("recompute: computed_again() is made from what is kept, once for all that ask in a row") {
  int made = 0;
  const Tensor w = leaf(values(2, 4, 0.5)), v = leaf(values(2, 4, -0.5)), x = leaf(values(3, 4, 0));
  const auto twice = [&](const Tensor& t) {
    const engine::Saved saved = t;
    return engine::computed_again(scale(t, 2), [saved, &made] {
      ++made;
      const engine::NoGrad no_grad;
      return scale(saved.get(), 2);
    });
  };
  std::vector<std::vector<double>> found, expected;
  {
    const Tensor y = twice(x);
    found = gradients(add(linear(y, w, {}), linear(y, v, {})), {w, v});
  }
  CHECK(made == 1);
  const Tensor w2 = leaf(w.detach()), v2 = leaf(v.detach()), y = scale(x, 2);
  expected = gradients(add(linear(y, w2, {}), linear(y, v2, {})), {w2, v2});
  CHECK(found == expected);
}

TEST_CASE("recompute: a region that runs otherwise the second time is an error") {
  Net net;
  const Tensor x = leaf(values(6, 4, 0));
  bool first = true;
  const Tensor y = engine::recomputed(x, [&](const Tensor& t) {
    return std::exchange(first, false) ? linear(net(t), values(2, 3, 0), {}) : net(t);
  });
  CHECK_THROWS_AS(backward(y, values(6, 2, 0)), std::invalid_argument);
}

TEST_CASE("recompute: an op that overwrites its gradient leaves the caller's alone") {
  const Tensor x = leaf(values(6, 4, 0)), residual = leaf(values(6, 4, 0.2));
  const Tensor weight = leaf(engine::full({4}, 1, DType::f64, engine::cpu)),
               bias = leaf(engine::zeros({4}, DType::f64, engine::cpu));
  engine::BatchNormState state;
  state.running_mean = engine::zeros({4}, DType::f64, engine::cpu);
  state.running_var = engine::full({4}, 1, DType::f64, engine::cpu);
  state.num_batches_tracked = engine::zeros({1}, DType::i64, engine::cpu);
  const Tensor y = batch_norm(x, weight, bias, state, engine::Mode::train, engine::single(),
                              {.relu = true, .residual = residual});
  const Tensor dy = values(6, 4, 0.3);
  const auto before = dy.to_vector();
  backward(y, dy);
  CHECK(dy.to_vector() == before);
}
