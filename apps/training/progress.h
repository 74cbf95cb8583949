// One line that says how far a training is.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "apps/run/run_directory.h"

namespace apps {

// On a terminal one line is rewritten, at most ten times a second; elsewhere a line is written every
// `interval` seconds.
class Progress {
 public:
  // out: null says nothing (of ranks only the first speaks).
  Progress(std::FILE* out, RunDirectory& run, long first_step, long total_steps, double interval = 10);

  void step(const StepRecord&);
  void say(const std::string& line);  // a line of its own, also in train.log
  void finish(const StepRecord&);     // the last line, in any case

  static std::string text(const StepRecord&, long total_steps, double seconds_left);

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* out_;
  RunDirectory& run_;
  bool terminal_;
  long first_, total_;
  double interval_;
  Clock::time_point begun_ = Clock::now(), shown_ = begun_;
  bool open_ = false;  // the terminal's line has not ended yet
  void show(const StepRecord&);
};

}  // namespace apps
