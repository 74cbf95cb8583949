// The tape: order, accumulation, sharing, and freed memory.
#include "engine/tape.h"

#include <doctest/doctest.h>

#include "engine/ops.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {
Tensor numbers(const std::vector<double>& v) { return from_vector({std::int64_t(v.size())}, v, DType::f64); }
Tensor until_the_end;  // given back after main()
}  // namespace

TEST_CASE("a tensor of static lifetime outlives the pool's last user") {
  until_the_end = relu(leaf(numbers({1, 2})));
  CHECK(until_the_end.numel() == 2);  // the test's process must end with code 0
}

TEST_CASE("a leaf used twice gets the sum") {
  const Tensor x = leaf(numbers({1, -2, 3}));
  backward(add(add(x, x), relu(x)), numbers({1, 10, 100}));
  CHECK(gradient(x).to_vector() == std::vector<double>{3, 20, 300});
}

TEST_CASE("backward adds to a leaf until it is cleared") {
  const Tensor x = leaf(numbers({2}));
  backward(add(x, x), numbers({1}));
  backward(add(x, x), numbers({1}));
  CHECK(gradient(x).to_vector() == std::vector<double>{4});
  clear_gradient(x);
  backward(add(x, x), numbers({1}));
  CHECK(gradient(x).to_vector() == std::vector<double>{2});
}

TEST_CASE("a gradient from give() is not modified") {
  // add gives the same tensor to both inputs; then more is added to one of them.
  const Tensor a = leaf(numbers({1})), b = leaf(numbers({1}));
  const Tensor ra = relu(a), rb = relu(b);
  backward(add(add(ra, rb), ra), numbers({1}));
  CHECK(gradient(a).item() == 2);
  CHECK(gradient(b).item() == 1);
}

TEST_CASE("every op is run once, youngest first, however often it is an input") {
  const Tensor x = leaf(numbers({1}));
  std::vector<int> run_order;
  const auto op = [&](int number, const Tensors& inputs) {
    const int count = int(inputs.size());
    return record("op", numbers({1}), inputs, [&run_order, number, count](const Tensor& dy, Gradients& out) {
      run_order.push_back(number);
      for (int i = 0; i < count; ++i) out.give(i, dy);
    });
  };
  constexpr int links = 2000;
  Tensors chain{x};
  for (int i = 0; i < links; ++i) chain.push_back(op(i, {chain.back()}));
  Tensors twice = chain;
  twice.insert(twice.end(), chain.begin(), chain.end());
  backward(op(links, twice), numbers({1}));
  CHECK(run_order.size() == links + 1);
  for (std::size_t i = 0; i < run_order.size(); ++i) CHECK(run_order[i] == links - int(i));
  CHECK(gradient(x).item() == 2 * (links + 1));
}

TEST_CASE("a leaf's gradient is written to the memory passed to leaf()") {
  const Tensor flat = zeros({4}, DType::f64, cpu);
  const Tensor x = leaf(numbers({1, 1}), flat.slice(1, 2));
  backward(relu(x), numbers({5, 6}));
  CHECK(flat.to_vector() == std::vector<double>{0, 5, 6, 0});
}

TEST_CASE("nothing is recorded without a leaf or inside NoGrad") {
  const Tensor x = leaf(numbers({1}));
  CHECK(relu(numbers({1})).node() == nullptr);
  {
    const NoGrad no_grad;
    CHECK(relu(x).node() == nullptr);
  }
  CHECK(relu(x).node() != nullptr);
}

TEST_CASE("activations are freed as backward proceeds") {
  const Tensor x = leaf(zeros({1 << 16}, DType::f32, cpu));
  [[maybe_unused]] const std::size_t before = memory_use(cpu).now;
  Tensor y = x;
  for (int i = 0; i < 8; ++i) y = relu(y);
  const Tensor dy = zeros({1 << 16}, DType::f32, cpu);
  backward(y, dy);
  y = {};
#ifndef DYAD_SIMT_ONLY                                   // sanitizer builds do not pool
  CHECK(memory_use(cpu).now <= before + 2 * x.bytes());  // dy and the leaf's gradient
#endif
  CHECK(gradient(x).defined());
}

TEST_CASE("backward twice through one graph is refused, and so is a graph that shares a freed part") {
  const Tensor x = leaf(numbers({1}));
  const Tensor shared = relu(x), first = relu(shared), second = relu(shared);
  const char* freed =
      "backward: an earlier backward has freed the graph of relu; add losses that share a part of it, and "
      "call "
      "backward once";
  backward(first);
  CHECK_THROWS_WITH(backward(first), freed);
  CHECK_THROWS_WITH(backward(second), freed);
}

TEST_CASE("a view or slice of a tensor with a history is refused, but not inside NoGrad or of its elements") {
  const Tensor y = relu(leaf(numbers({1, 2})));
  const char* refused =
      "Tensor: a view or slice of a tensor with a history would lose the gradient, expected reshape(), "
      "detach() "
      "or a NoGrad";
  CHECK_THROWS_WITH((void)y.view({2, 1}), refused);
  CHECK_THROWS_WITH((void)y.slice(0, 1), refused);
  CHECK(y.detach().view({2, 1}).dim(1) == 1);
  const NoGrad no_grad;
  CHECK(y.slice(1, 1).item() == 2);
}

TEST_CASE("a tensor without elements in memory says so, and dim() checks its argument") {
  const char* undefined = "Tensor: undefined, expected one that was given a shape or computed";
  CHECK_THROWS_WITH(Tensor().item(), undefined);
  CHECK_THROWS_WITH(Tensor().to_vector(), undefined);
  CHECK_THROWS_WITH(Tensor().clone(), undefined);
  CHECK_THROWS_WITH(Tensor().to(cpu), undefined);
  CHECK_THROWS_WITH(relu(Tensor()), undefined);
  CHECK_THROWS_WITH(gradient(leaf(numbers({1}))).to_vector(), undefined);
  CHECK_THROWS_WITH((void)numbers({1}).dim(1), "Tensor::dim: 1, expected less than the rank of (1)");
  CHECK_THROWS_WITH((void)numbers({1}).dim(-1), "Tensor::dim: -1, expected less than the rank of (1)");
  CHECK_THROWS_WITH(zeros({1LL << 40, 1LL << 40}, DType::u8, cpu), "Shape: more than 2^63 elements");
}

TEST_CASE("errors name the op and what was expected") {
  CHECK_THROWS_WITH(backward(relu(leaf(numbers({1, 2})))),
                    "backward: the tensor is (2), expected one element, or the gradient of the tensor as the "
                    "second argument");
  CHECK_THROWS_WITH(leaf(numbers({1, 2}), numbers({1})), "leaf: the gradient is f64 (1), expected f64 (2)");
  CHECK_THROWS_WITH(add(numbers({1}), numbers({1, 2})), "add: (1) f64 and (2) f64, expected the same");
  CHECK_THROWS_WITH(backward(numbers({1})), "backward: the tensor has no history");
}

TEST_CASE("tape: a chain of 300,000 ops needs no stack") {
  const Tensor a = leaf(full({1}, 1, DType::f64, cpu));
  Tensor y = a;
  for (int i = 0; i < 300'000; ++i) y = reshape(y, {1});  // launches nothing, so it is quick in every build
  backward(y);
  CHECK(gradient(a).item() == 1);
  for (int i = 0; i < 300'000; ++i) y = reshape(y, {1});  // dropped without a backward
}

TEST_CASE("tape: an op that asks for a wrong gradient, or writes none, is named") {
  const auto of = [](Backward f) {
    const Tensor a = leaf(full({2}, 1, DType::f64, cpu));
    return message_of<std::invalid_argument>(
        [&] { backward(sum(record("mine", a.clone(), {a}, std::move(f)))); });
  };
  CHECK(of([](const Tensor&, Gradients& out) { out.destination(3); }) == "mine: gradient 3 of 1 inputs");
  CHECK(of([](const Tensor&, Gradients&) {}) == "mine: its backward pass has written no gradient 0");
}

TEST_CASE("a tensor of more bytes than there can be is refused") {
  CHECK_THROWS_AS(Tensor({std::int64_t(1) << 61}, DType::f64, cpu), std::invalid_argument);
}
