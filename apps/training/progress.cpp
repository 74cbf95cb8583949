#include "apps/training/progress.h"

#include <unistd.h>

#include "apps/system/duration.h"

namespace apps {

Progress::Progress(std::FILE* out, RunDirectory& run, long first_step, long total_steps, double interval)
    : out_(out),
      run_(run),
      terminal_(out != nullptr && isatty(fileno(out))),
      first_(first_step),
      total_(total_steps),
      interval_(terminal_ ? 0.1 : interval) {}

std::string Progress::text(const StepRecord& r, long total_steps, double seconds_left) {
  char line[200];
  std::snprintf(line, sizeof line,
                "step %ld/%ld  epoch %.2f  loss %.4f  lr %.3g  %.0f pairs/s  data wait %.0f %%  %s left",
                r.step, total_steps, r.epoch, r.loss, r.lr, r.pairs_per_s, 100 * r.data_wait,
                duration_text(seconds_left).c_str());
  return line;
}

void Progress::show(const StepRecord& r) {
  if (out_ == nullptr) return;
  const double passed = std::chrono::duration<double>(Clock::now() - begun_).count();
  const long done = r.step - first_;
  const std::string line = text(r, total_, done > 0 ? passed / double(done) * double(total_ - r.step) : 0);
  if (terminal_)
    std::fprintf(out_, "\r%s\033[K", line.c_str());
  else
    std::fprintf(out_, "%s\n", line.c_str());
  std::fflush(out_);
  open_ = terminal_;
}

void Progress::step(const StepRecord& r) {
  const auto now = Clock::now();
  const bool first = r.step == first_ + 1;  // shown at once, so that the user sees that the training runs
  if (!first && std::chrono::duration<double>(now - shown_).count() < interval_) return;
  shown_ = now;
  show(r);
}

void Progress::say(const std::string& line) {
  if (out_ == nullptr) return;
  std::fprintf(out_, "%s%s\n", open_ ? "\n" : "", line.c_str());
  std::fflush(out_);
  open_ = false;
  run_.log(line);
}

void Progress::finish(const StepRecord& r) {
  show(r);
  if (open_) std::fprintf(out_, "\n");
  open_ = false;
  run_.log(text(r, total_, 0));
}

}  // namespace apps
