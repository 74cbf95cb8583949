// A target network: a branch without a gradient whose weights are the moving average of the trained ones
// (BYOL, MoCo). Its batch norms run in training mode and keep their own running statistics.
#pragma once

#include <cmath>

#include "engine/optim/moving_average.h"
#include "models/methods/method.h"

namespace models {

class Target {
 public:
  // online: the trained parameters, which contain those of a Branch. The target begins as their copy.
  Target(const MethodConfig& c, const engine::Parameters& online)
      : online_(online),
        parameters_(online.device(), c.dtype, c.seed, false),
        branch_(parameters_.build<Branch>(c.branch)),
        average_(engine::values_of_part(online, parameters_), parameters_.values()),
        momentum_(c.options.target_momentum) {
    copy();
    average_.set_momentum(momentum_);
  }

  // No gradient flows through the result.
  Tensor operator()(const Tensor& images, const Pass& p) const {
    const engine::NoGrad stop_gradient;
    return branch_(images, p);
  }
  void copy() const { engine::copy_parameters(online_, parameters_, ""); }

  // The momentum rises from its first value to 1 along half a cosine (BYOL, MoCo v3).
  void schedule(double done) {
    average_.set_momentum(1 - (1 - momentum_) * (1 + std::cos(3.14159265358979323846 * done)) / 2);
  }
  void update() { average_.update(); }  // of the weights: one launch

  // Weights and running statistics, "target.encoder.conv1.weight" ...
  engine::NamedTensors state() const {
    engine::NamedTensors all;
    for (const engine::Parameter& p : parameters_.list()) all.emplace_back("target." + p.name, p.value);
    return all;
  }

 private:
  const engine::Parameters& online_;
  engine::Parameters parameters_;
  const Branch branch_;
  engine::MovingAverage average_;
  const double momentum_;
};

}  // namespace models
