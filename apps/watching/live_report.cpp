#include "apps/watching/live_report.h"

#include "apps/ranks/ranks.h"
#include "apps/report/report.h"
#include "apps/run/checkpoint.h"
#include "apps/run/next_commands.h"

namespace apps {

void LiveReport::begin(const Plan& plan, long step) {
  open_ = writes_;
  plan_ = &plan;
  state_ = {.step = step,
            .steps = plan.steps,
            .epoch = plan.epoch(step),
            .epochs = plan.epoch(plan.steps),
            .next = {continue_command(options_, launch_text())}};
  if (classes_) state_.next.push_back(evaluate_command(options_));
  due_ = Clock::now() + kMinute;
  if (open_) write_state(options_.run, state_);
}

std::string LiveReport::step(const StepRecord& r, double seconds_left) {
  if (!open_) return "";
  state_.step = r.step;
  state_.epoch = r.epoch;
  state_.seconds_left = seconds_left;
  const auto now = Clock::now();
  const bool epoch_ends = plan_->ends_epoch(r.step);
  if (now < earliest_ || r.step == state_.steps || !(epoch_ends || now >= due_)) return "";
  std::string warning;
  try {
    write();
  } catch (const std::exception& e) {  // a file of the run that an evaluation has written may be damaged
    if (!warned_) warning = engine::concat_text("warning: the report can't be written: ", e.what());
    warned_ = true;
  }
  const auto after = Clock::now();
  due_ = after + kMinute;
  earliest_ = after + 100 * (after - now);
  return warning;
}

void LiveReport::write() {
  write_state(options_.run, state_);
  write_report(options_.run, state_);
}

void LiveReport::saved() {
  if (open_) write_state(options_.run, state_);
}

void LiveReport::finished() {
  state_.phase = "finished";
  state_.step = state_.steps;
  state_.epoch = state_.epochs;
  state_.seconds_left = -1;
  state_.next = {classes_ ? evaluate_command(options_) : embed_command(options_), export_command(options_)};
  if (open_) write();
}

void LiveReport::stopped(const std::string& reason) {
  state_.phase = "stopped";
  state_.seconds_left = -1;
  state_.reason = reason;
  if (open_) write();
}

int LiveReport::guarded(const std::function<int()>& f) {
  try {
    return f();
  } catch (const std::exception& e) {
    if (!open_) throw;
    state_.phase = "failed";
    if (checkpoints(options_.run).empty())
      std::erase_if(state_.next, [](const NextCommand& c) { return c.first == "evaluate"; });
    state_.seconds_left = -1;
    state_.reason = e.what();
    try {
      append_to_log(options_.run, std::string("failed: ") + e.what());
      write();
    } catch (const std::exception&) {  // a full disk, perhaps; the first error is the one that is reported
    }
    throw;
  }
}

}  // namespace apps
