// What a sweep is going to do: its cells, the options that all of them have, and the commands of each.
#pragma once

#include "apps/options/options.h"
#include "apps/sweep/cells.h"
#include "apps/sweep/tasks.h"

namespace apps {

struct SweepPlan {
  SweepOptions options;
  PretrainOptions shared;  // what all cells have, before the varied options
  std::vector<Variation> variations;
  std::vector<Cell> cells;
};

// Checks everything that can be checked before a cell starts; UsageError. `sections`: those that a config
// file may have.
SweepPlan sweep_plan(const SweepOptions&, const List& sections);

std::string folder_of(const SweepPlan&, const Cell&);

// `program pretrain` and then `program eval`, with all their options. What a finished cell has is left out:
// its training, or everything.
Task task_of(const SweepPlan&, const Cell&, const std::string& program);
Task remaining(Task);

}  // namespace apps
