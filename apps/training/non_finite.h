// What is done when a loss or a gradient is not finite: the step is repeated from a state that was kept, and
// watched, until the first tensor is found that is not.
#pragma once

#include <optional>

#include "apps/ranks/ranks.h"
#include "apps/training/plan.h"
#include "apps/training/train_step.h"
#include "data/view_batch.h"

namespace apps {

// Keeps the state of a training now and then, in the device's memory.
class Rewind {
 public:
  static constexpr long kEvery = 16;  // steps

  Rewind(const engine::Parameters&, const engine::NamedTensors& state);
  void keep(long step);  // `step` are done; copies every kEvery-th time, and the first
  long back(long step);  // to the newest kept state of at most `step` steps, whose number it returns

 private:
  struct Kept {
    long step = -1;
    std::vector<engine::Tensor> values;
  };
  std::vector<engine::Tensor> live_;
  Kept kept_[2];  // a step is known to be bad only when the next one, and perhaps the next keep(), is queued
  int next_ = 0;
};

// The first tensor of a forward and backward pass that has an element which is not finite, in words:
// "the output of conv2d of encoder.layer2.0.conv1.weight, f32 (64,16,16,128): 12 of 2097152 elements, the
// first at 77". "" if all are finite. images: (2n,S,S,3), as train_step takes them.
std::string first_non_finite(const Model&, const engine::Tensor& images, const engine::Tensor& tau,
                             engine::Communicator&, std::int64_t pairs);

class NonFinite {
 public:
  NonFinite(const PretrainOptions&, const Plan&, const data::Dataset&, const Model&, const engine::Optimizer&,
            TrainStep&, Ranks&, const engine::Tensor& tau);

  void keep(long step) { rewind_.keep(step); }
  // Of the step that the record is of: leaves RUN/non-finite.json (rank, step, loss, gradient norm, the
  // images of the batch by number and name, and the first tensor) and throws std::runtime_error, in one line.
  // Does nothing if loss and gradient are finite.
  void check(const StepRecord&);

 private:
  const PretrainOptions& options_;
  const Plan& plan_;
  const data::Dataset& dataset_;
  const Model& model_;
  TrainStep& train_step_;
  Ranks& ranks_;
  const engine::Tensor tau_;
  Rewind rewind_;
};

}  // namespace apps
