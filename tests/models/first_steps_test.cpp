// A tour: a tensor, a gradient, a layer, ten steps of training.
#include <doctest/doctest.h>

#include "engine/optim/optimizer.h"
#include "models/layers.h"

using namespace engine;

TEST_CASE("copies of a tensor share its memory") {
  const Tensor x = from_vector({2, 3}, {1, -2, 3, -4, 5, -6}, DType::f32);
  const Tensor same = x;  // NOLINT(performance-unnecessary-copy-initialization): the copy is the point
  const Tensor y = relu(x);
  x.data<float>()[0] = 7;
  CHECK(same.data<float>()[0] == 7);
  CHECK(y.to_vector() == std::vector<double>{1, 0, 3, 0, 5, 0});
  CHECK(y.shape() == Shape{2, 3});
  CHECK_THROWS_WITH(add(x, from_vector({2}, {1, 2}, DType::f32)),
                    "add: (2,3) f32 and (2) f32, expected the same");
}

TEST_CASE("backward writes a leaf's gradient") {
  const Tensor x = leaf(from_vector({3}, {1, -2, 3}, DType::f64));
  backward(sum(relu(add(x, x))));  // d/dx of the sum of max(2x, 0)
  CHECK(gradient(x).to_vector() == std::vector<double>{2, 0, 2});

  const NoGrad no_grad;
  CHECK(relu(x).node() == nullptr);  // nothing is recorded
}

namespace {

// A layer is a plain struct: its constructor creates its parameters in a scope, its operator() calls ops.
struct Classifier {
  models::Linear hidden, output;
  explicit Classifier(const Scope& s) : hidden(s / "hidden", 2, 16), output(s / "output", 16, 2) {}
  Tensor operator()(const Tensor& x) const { return output(relu(hidden(x))); }
};

}  // namespace

TEST_CASE("ten steps of training") {
  Parameters parameters(cpu, DType::f32, /*seed=*/1);
  const auto classifier = parameters.build<Classifier>();
  CHECK(parameters.list()[0].name == "hidden.weight");
  Sgd optimizer(flat_parameters(parameters), {.momentum = 0.9});

  // Is a point of the plane in the upper or in the lower half?
  const Tensor points = from_vector({4, 2}, {1, 1, -1, 1, 1, -1, -1, -1}, DType::f32);
  const Tensor labels = from_vector({4}, {1, 1, 0, 0}, DType::i32);
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) {
    const Tensor loss = softmax_cross_entropy(classifier(points), labels);
    parameters.clear_gradients();
    backward(loss);
    optimizer.step(0.3);
    losses.push_back(loss.item());
  }
  CHECK(losses.front() > 0.3);
  CHECK(losses.back() < 0.1 * losses.front());
}
