// One step of SimCLR, from images to new weights.
#pragma once

#include <memory>

#include "apps/run/model.h"
#include "apps/training/phases.h"
#include "engine/optim/gradient_norm.h"
#include "engine/optim/optimizer.h"
#include "engine/ranks/gradient_buckets.h"

namespace apps {

std::unique_ptr<engine::Optimizer> make_optimizer(const PretrainOptions&, const engine::Parameters&);

class TrainStep {
 public:
  // pairs: N of all ranks together, divided among them as engine::shard() does.
  // bucket: bytes of gradients that are summed over the ranks at once while backward runs; 0: all after it.
  TrainStep(const Model&, engine::Optimizer&, engine::Communicator&, std::int64_t pairs,
            std::int64_t bucket = 4 << 20);

  // images: (2n,S,S,3) of this rank, rows i and i + n two views of one image. tau: (1) on the device. Returns
  // the loss of all ranks, a device scalar.
  engine::Tensor operator()(const engine::Tensor& images, const engine::Tensor& tau, double lr, Phases&);
  // The same with the learning rate that the optimizer has: only launches, the same for every step.
  engine::Tensor launch(const engine::Tensor& images, const engine::Tensor& tau, Phases&);
  // Of the last step's gradient, which is all ranks': the square of its norm, a device scalar.
  const engine::Tensor& gradient_square() const { return gradient_square_; }

 private:
  const Model& model_;
  engine::Optimizer& optimizer_;
  engine::Communicator& communicator_;
  engine::GradientBuckets buckets_;
  engine::GradientNorm measure_;
  engine::Tensor gradient_square_;
  std::int64_t pairs_;
};

}  // namespace apps
