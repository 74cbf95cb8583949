// Commands that run the steps of a pretraining: `dyad steps` and `dyad bench step`.
#pragma once

#include "apps/options/pretrain.h"

namespace apps {

struct StepsOptions : PretrainOptions {
  std::string out;
};

struct BenchStepOptions : PretrainOptions {
  BenchStepOptions() { steps = 20; }  // that are timed
  std::string weights;
  bool serve = false;
  std::string csv;
};

Fields fields(StepsOptions&);
Fields fields(BenchStepOptions&);

}  // namespace apps
