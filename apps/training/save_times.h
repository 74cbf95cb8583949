// When a training writes its checkpoints (--save-every). They don't change its result.
#pragma once

#include <chrono>

#include "apps/options/save_every.h"
#include "apps/training/plan.h"

namespace apps {

class SaveTimes {
 public:
  using Clock = std::chrono::steady_clock;
  SaveTimes(const SaveEvery& every, const Plan& plan, long step, Clock::time_point now = Clock::now())
      : every_(every), plan_(plan), saved_step_(step), saved_(now) {}

  // Whether a checkpoint is due after `step` steps: the same on all ranks.
  bool due(long step) const {
    return step > saved_step_ &&
           ((every_.steps > 0 && step % every_.steps == 0) ||
            (every_.epochs > 0 && plan_.ends_epoch(step) && plan_.whole_epochs(step) % every_.epochs == 0));
  }
  // Whether it has become time for one: true once, until it is saved. The ranks' clocks differ, so the first
  // rank decides for all.
  bool late(Clock::time_point now = Clock::now()) {
    if (asked_ || every_.minutes == 0 || now - saved_ < std::chrono::minutes(every_.minutes)) return false;
    return asked_ = true;
  }
  bool has_saved(long step) const { return step <= saved_step_; }
  void saved(long step, Clock::time_point now = Clock::now()) {
    saved_step_ = step;
    saved_ = now;
    asked_ = false;
  }

 private:
  const SaveEvery every_;
  const Plan& plan_;
  long saved_step_;
  Clock::time_point saved_;
  bool asked_ = false;
};

}  // namespace apps
