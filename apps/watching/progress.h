// The progress of a training: one line on a terminal, and lines in train.log.
#pragma once

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "apps/run/run_directory.h"

namespace apps {

// A terminal shows one line, which is rewritten at most ten times a second and never wraps. train.log, and
// stderr if it is not a terminal, get a line at the first step, at the end of each epoch, a minute after the
// line before, and at the end; no step has two.
class Progress {
 public:
  struct Length {
    long first, total;  // steps done before, and of the whole training
  };
  // out: null on all ranks but the first, which then print nothing.
  Progress(std::FILE* out, RunDirectory& run, const Length& length,
           std::chrono::milliseconds interval = std::chrono::minutes(1));

  void step(const StepRecord&);
  void say(const std::string& line);  // prints a separate line, and writes it to train.log
  void finish(const StepRecord&);     // the last step of this start
  // From the mean time of the steps since the first one, which also sets up; none before the second step.
  std::optional<double> seconds_left(const StepRecord&) const;

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* out_;
  RunDirectory& run_;
  bool terminal_;
  Length length_;
  Clock::duration interval_;
  Clock::time_point begun_ = Clock::now();  // the second step
  double stepped_ = 0;                      // seconds of the steps from the second on
  Clock::time_point shown_ = begun_, logged_ = begun_;
  long shown_step_ = 0, logged_step_ = 0;
  bool open_ = false;  // the terminal shows a line without a newline
  void show(const StepRecord&, std::optional<double> left);
  void log(const StepRecord&, std::optional<double> left);
};

// "step 20/400  epoch 2.00  loss 0.2500  lr 0.1  100 pairs/s  data wait 25 %  1:02:03 left". If that is more
// than `columns`, what matters least is left out first: data wait, lr, pairs/s, epoch, the time left, loss.
std::string progress_text(const StepRecord&, long total_steps, std::optional<double> seconds_left,
                          std::size_t columns = 1000);

}  // namespace apps
