// Commands that run the steps of a pretraining: `dyad steps`, `dyad bench step` and `dyad bench busy`.
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

struct BenchBusyOptions : BenchStepOptions {
  BenchBusyOptions() { steps = 5, batch = 32; }
  int neighbours = -1;  // the most that are tried; -1: as many as cores
  int turns = 5;
};

Fields fields(StepsOptions&);
Fields fields(BenchStepOptions&);
Fields fields(BenchBusyOptions&);

}  // namespace apps
