// The card of the moving average's launcher. It is not differentiated.
#include "engine/optim/moving_average.h"

#include "engine/check/op_case.h"

namespace engine {
namespace {

Tensors moving_average_step(const Tensors& in) {
  const Tensor average = in[1].clone();
  MovingAverage follower(in[0], average);
  for (const double momentum : {0.9, 0.996}) {
    follower.set_momentum(momentum);
    follower.update();
  }
  return {average};
}

Tensors moving_average_reference(const Tensors& in) {
  const std::vector<double> x = in[0].to_vector();
  std::vector<double> y = in[1].to_vector();
  for (const double momentum : {0.9, 0.996})
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = momentum * y[i] + (1 - momentum) * x[i];
  return {from_vector(in[1].shape(), y, DType::f64)};
}

const AddCase moving_average_case{{
    .name = "moving_average",
    .inputs =
        [](const Shape& s, Random& r) {
          return Tensors{uniform(s, r), uniform(s, r)};
        },
    .apply = moving_average_step,
    .check = {{1}, {5}, {257}, {16385}},
    .bench = {{11181642}},  // the number of parameters of a ResNet-18
    .reference = moving_average_reference,
}};

}  // namespace
}  // namespace engine
