// One step of SimCLR, from images to new weights.
#pragma once

#include <memory>

#include "apps/model.h"
#include "apps/phases.h"
#include "engine/optimizer.h"

namespace apps {

std::unique_ptr<engine::Optimizer> make_optimizer(const PretrainOptions&, const engine::Parameters&);

// images: (2N,S,S,3), rows i and i + N two views of one image. tau: (1) on the device. Returns the loss, a
// device scalar.
engine::Tensor train_step(const Model&, engine::Optimizer&, const engine::Tensor& images,
                          const engine::Tensor& tau, double lr, engine::Communicator&, Phases&);

}  // namespace apps
