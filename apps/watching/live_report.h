// The state of a training (RUN/state.json) and report.html, written while it runs and at its end, whatever
// the end is.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "apps/options/options.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_state.h"
#include "apps/training/plan.h"

namespace apps {

class LiveReport {
 public:
  // writes: false on all ranks but the first. classes: whether the images have any, and a test split, so that
  // an evaluation is suggested.
  LiveReport(const PretrainOptions& o, bool writes, bool classes)
      : options_(o), writes_(writes), classes_(classes) {}

  // The run's folder is open, `step` steps are done. Nothing is written before this call.
  void begin(const Plan&, long step);
  // The step's record is in its file. The report is written at the end of each epoch, and a minute after the
  // last one. Writing takes at most a hundredth of the time; if it took more, a report is left out. Returns a
  // warning, once, if the report can't be written, else "".
  std::string step(const StepRecord&, double seconds_left);

  void saved();  // a checkpoint: state.json says its step
  void finished();
  void stopped(const std::string& reason);
  // Calls f. If f throws, the report says why; the exception is thrown on.
  int guarded(const std::function<int()>& f);

  const RunState& state() const { return state_; }
  bool suggests_evaluation() const { return classes_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes kMinute{1};
  void write();

  const PretrainOptions& options_;
  const bool writes_, classes_;
  bool open_ = false, warned_ = false;
  const Plan* plan_ = nullptr;
  RunState state_;
  Clock::time_point earliest_, due_;  // of the next report
};

}  // namespace apps
