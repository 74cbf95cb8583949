// The model that a run's options describe, with its parameters.
#pragma once

#include "apps/options/options.h"
#include "engine/optim/parameters.h"
#include "models/methods/simclr.h"

namespace apps {

models::SimClrConfig model_config(const PretrainOptions&);  // of resolved options

struct Model {
  engine::Parameters parameters;  // dtype: that of the options, f32 for bf16
  models::SimClr net;

  // Fresh weights, drawn by (seed, name).
  Model(const PretrainOptions&, engine::Device);
};

}  // namespace apps
