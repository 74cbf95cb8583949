// What is done when a loss or a gradient is not finite: the step is repeated from a state that was kept, and
// every tensor in it is examined, until the first that is not finite is found.
#pragma once

#include <string>
#include <vector>

#include "apps/ranks/ranks.h"
#include "apps/run/run_directory.h"
#include "apps/training/plan.h"
#include "apps/training/train_step.h"

namespace apps {

// Keeps the state of a training every few steps, in the device's memory.
class Rewind {
 public:
  static constexpr long kEvery = 16;  // steps

  Rewind(const engine::Parameters&, const engine::NamedTensors& state);
  void keep(long step);  // called after `step` steps; copies at the first call, and then every kEvery steps
  long back(long step);  // restores the newest kept state of at most `step` steps, and returns its step

 private:
  struct Kept {
    long step = -1;
    std::vector<engine::Tensor> values;
  };
  std::vector<engine::Tensor> live_;
  Kept kept_[2];  // two: a bad step is noticed only after the next is queued, and perhaps the next keep()
  int next_ = 0;
};

// Runs a forward and a backward pass, and describes the first tensor with an element that is not finite:
// "the output of conv2d of encoder.layer2.0.conv1.weight, f32 (64,16,16,128): 12 of 2097152 elements, the
// first at 77". "" if all are finite.
std::string first_non_finite(models::Method&, const models::Views&, engine::Communicator&,
                             models::Recompute = models::Recompute::none);

class NonFiniteSearch {
 public:
  NonFiniteSearch(const PretrainOptions&, const Plan&, const data::Dataset&, TrainStep&, Ranks&);

  void keep(long step) { rewind_.keep(step); }  // before each step
  // Called with the record of each step. If its loss or gradient is not finite, writes RUN/non-finite.json
  // (rank, step, loss, gradient norm, number and name of each image of the batch, and the first tensor), and
  // throws std::runtime_error in one line.
  void check(const StepRecord&);
  // The state after `step` steps, whose losses were finite: before a checkpoint, and when the embedding
  // monitor has found an embedding that is not finite. Throws as check() does if a parameter is not finite.
  // A second call for a step does nothing.
  void check_parameters(long step);

 private:
  const PretrainOptions& options_;
  const Plan& plan_;
  const data::Dataset& dataset_;
  TrainStep& train_step_;
  Ranks& ranks_;
  Rewind rewind_;
  long checked_step_ = -1;
};

}  // namespace apps
