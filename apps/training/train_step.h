// One training step of any method, from images to new weights.
#pragma once

#include <memory>

#include "apps/options/options.h"
#include "engine/optim/gradient_norm.h"
#include "engine/ranks/gradient_buckets.h"
#include "engine/trace/phases.h"
#include "models/methods/method.h"

namespace apps {

using engine::Phases;

std::unique_ptr<engine::Optimizer> make_optimizer(const OptimizerOptions&, const engine::Parameters&);

// Size of a bucket of the all-reduce.
inline std::int64_t bucket_bytes(const ExecutionOptions& o) { return std::int64_t(o.bucket * (1 << 20)); }

class TrainStep {
 public:
  // pairs: N of all ranks together, divided among them as engine::shard() does.
  // bucket: bytes of gradients that are summed over the ranks at once while backward runs; 0: all after it.
  TrainStep(models::Method&, engine::Optimizer&, engine::Communicator&, std::int64_t pairs,
            std::int64_t bucket = 4 << 20, models::Recompute = models::Recompute::none);

  // Sends to the device what differs from step to step: the learning rate, and the schedules of the method.
  // done: part of the training, from 0 to 1.
  void schedule(double lr, double done);
  // images, labels, second_places: as in models::Views. Returns the loss of all ranks, a device scalar. It
  // only launches, and launches the same in every step.
  engine::Tensor launch(const engine::Tensor& images, Phases&, const engine::Tensor& labels = {},
                        const engine::Tensor& second_places = {});

  // The square of the norm of the last step's gradient, summed over the ranks: a device scalar.
  const engine::Tensor& gradient_square() const { return gradient_square_; }
  // What a resumed run needs besides the parameters: the optimizer's state and the method's.
  engine::NamedTensors state() const;
  models::Method& method() const { return method_; }

 private:
  models::Method& method_;
  engine::Optimizer& optimizer_;
  engine::Communicator& communicator_;
  engine::GradientBuckets buckets_;
  engine::GradientNorm measure_;
  engine::Tensor gradient_square_;
  std::int64_t pairs_;
  models::Recompute recompute_;
};

}  // namespace apps
