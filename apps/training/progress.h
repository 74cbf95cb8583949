// The progress of a training, as one line.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "apps/run/run_directory.h"

namespace apps {

// A terminal shows one line, which is rewritten at most ten times a second. Elsewhere a new line is written
// every `interval` seconds.
class Progress {
 public:
  // out: null on all ranks but the first, which then print nothing.
  Progress(std::FILE* out, RunDirectory& run, long first_step, long total_steps, double interval = 10);

  void step(const StepRecord&);
  void say(const std::string& line);  // prints a separate line, and writes it to train.log
  void finish(const StepRecord&);     // the last line, whatever the interval

  static std::string text(const StepRecord&, long total_steps, double seconds_left);

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* out_;
  RunDirectory& run_;
  bool terminal_;
  long first_, total_;
  double interval_;
  Clock::time_point begun_ = Clock::now(), shown_ = begun_;
  bool open_ = false;  // the terminal shows a line without a newline
  void show(const StepRecord&);
};

}  // namespace apps
