// Steps of a pretraining on random data, timed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/options/steps.h"
#include "apps/training/captured_step.h"
#include "apps/training/train_step.h"
#include "apps/training/training_data.h"
#include "engine/optim/optimizer.h"
#include "engine/ranks/communicator.h"
#include "models/methods/method.h"

namespace apps {

using TimedStep = std::function<engine::Tensor(Phases&)>;  // returns the loss

struct PhaseTimes {
  std::string name;
  std::vector<double> seconds;  // of each step
};
struct TimedSteps {
  std::vector<PhaseTimes> phases;  // in order of running
  std::vector<double> steps;       // seconds
  std::vector<double> losses;
};
TimedSteps time_steps(long steps, engine::Device, const TimedStep&);

// A hash of an element's index; scripts/lab/pytorch_step.py has the same.
std::uint32_t noise(std::int64_t place);

// The class of a pair, for a method that learns from classes: one of ten.
std::int32_t class_of_noise(std::int64_t pair);

// The method, with the weights of --weights if given.
std::unique_ptr<models::Method> started_method(const BenchStepOptions&, engine::Device);

// The step of dyad pretrain on one batch of random photographs, which stays in memory; each step draws other
// views of them.
class StepOnNoise {
 public:
  StepOnNoise(const BenchStepOptions&, engine::Communicator&, const engine::Shard& pairs, engine::Device);
  engine::Tensor operator()(Phases&);

 private:
  double lr_;
  std::unique_ptr<models::Method> method_;
  std::unique_ptr<engine::Optimizer> optimizer_;
  TrainStep step_;
  data::Batch batch_;
  data::ViewBatches views_;
  CapturedStep on_device_;
};

}  // namespace apps
