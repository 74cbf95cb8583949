// A training whose state has one of each kind of entry that checkpoints treat differently.
#pragma once

#include "apps/run/checkpoint.h"

namespace fuzz {

struct SmallModel {
  explicit SmallModel(const engine::Scope& scope) {
    (scope / "conv1").filter("weight", {2, 3, 3, 1});  // KRSC here, OIHW in the file
    (scope / "fc").matrix("weight", {3, 2});
    (scope / "bn1").constant("weight", 2, 1);
    (scope / "bn1").buffer("running_mean", 2, 0);
    (scope / "bn1").counter("num_batches_tracked");  // a scalar in the file
  }
};

struct SmallTraining {
  apps::PretrainOptions options;
  engine::Parameters parameters{engine::cpu, engine::DType::f32, 0};
  apps::StateTensors state;

  SmallTraining() {
    (void)parameters.build<SmallModel>();
    state = {
        {"optimizer.momentum", engine::zeros(parameters.values().shape(), engine::DType::f32, engine::cpu)},
        {"optimizer.steps", engine::zeros({1}, engine::DType::i64, engine::cpu)}};
  }
};

}  // namespace fuzz
