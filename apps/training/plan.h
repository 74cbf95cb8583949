// What a training will do, known before it begins.
#pragma once

#include <string>
#include <vector>

#include "apps/options/options.h"
#include "apps/run/checkpoint_info.h"
#include "models/methods/methods.h"

namespace apps {

// Steps count from the beginning of the training. A resumed training that has another batch, or other images,
// has another number of steps in an epoch from its start on.
struct Plan {
  long steps_per_epoch, steps, warmup_steps;

  // From `start` on: the position is kept in epochs and images, so the next batch is the first whole one of
  // this size behind it. UsageError if the data set is smaller than a batch; `folder`: its name for this
  // message.
  Plan(const ScheduleOptions& resolved, const data::Dataset&, const std::string& folder,
       const Position& start = {});
  // `images`: at least a batch.
  Plan(const ScheduleOptions& resolved, long images, const Position& start);

  double learning_rate(long step, double peak) const;  // of the step after `step` steps
  double done(long step) const;                        // part of the training
  double epoch(long step) const { return double(step + shift_) / double(steps_per_epoch); }
  long whole_epochs(long step) const { return (step + shift_) / steps_per_epoch; }
  long batch_in_epoch(long step) const { return (step + shift_) % steps_per_epoch; }
  bool ends_epoch(long step) const { return batch_in_epoch(step) == 0; }
  Position position(long step) const {
    return {.step = step, .epoch = whole_epochs(step), .images = batch_in_epoch(step) * batch_};
  }

  long warmup_end() const { return warmup_steps - lead_; }  // the step after which the rate is the highest
  double warmup_epochs() const { return double(warmup_steps) / double(steps_per_epoch); }
  // It is longer than the training, or as long.
  bool warmup_is_cut() const { return warmup_asked_ > warmup_steps; }
  bool warmup_fills_training() const { return warmup_steps > 0 && warmup_steps == steps + lead_; }

 private:
  long batch_;
  long shift_;  // steps of this size up to the start of this plan, less the steps that were done
  long lead_;   // how much longer the schedule is than `steps`: as if all steps had this size
  long warmup_asked_;
};

// A line each about data, model and steps.
std::vector<std::string> plan_lines(const PretrainOptions&, const Plan&, const data::Dataset&,
                                    const models::Method&);
// A line on a warm-up that is as long as the training or longer, or "".
std::string warmup_warning(const ScheduleOptions&, const Plan&);

}  // namespace apps
