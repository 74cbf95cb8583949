// What a training will do, known before it begins.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "apps/options/options.h"
#include "models/methods/methods.h"

namespace apps {

struct Plan {
  long steps_per_epoch, steps, warmup_steps;

  // UsageError if the data set is smaller than a batch; `folder`: its name for this message.
  Plan(const ScheduleOptions& resolved, const data::Dataset&, const std::string& folder);
  double learning_rate(long step, double peak) const;                    // of the step after `step` steps
  double done(long step) const { return double(step) / double(steps); }  // part of the training
  double epoch(long step) const { return double(step) / double(steps_per_epoch); }
};

// A line each about data, model and steps.
std::vector<std::string> plan_lines(const PretrainOptions&, const Plan&, const data::Dataset&,
                                    const models::Method&);

// For --dry-run: the effective configuration, the parameters' shapes, memory, steps and the loss of chance.
void print_plan(std::ostream&, const PretrainOptions&, const Plan&, const data::Dataset&,
                const models::Method&);

}  // namespace apps
