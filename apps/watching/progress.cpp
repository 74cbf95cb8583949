#include "apps/watching/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "apps/system/duration.h"
#include "apps/system/terminal.h"
#include "engine/escape.h"

namespace apps {
namespace {

struct Part {
  int importance;  // the least important is left out first
  std::string text;
};

template <class... Values>
Part part(int importance, const char* format, Values... values) {
  char text[80];
  std::snprintf(text, sizeof text, format, values...);
  return {importance, text};
}

}  // namespace

std::string progress_text(const StepRecord& r, long total_steps, std::optional<double> seconds_left,
                          std::size_t columns) {
  std::vector<Part> parts = {part(9, "step %ld/%ld", r.step, total_steps),
                             part(6, "epoch %.2f", r.epoch),
                             part(8, "loss %.4f", r.loss),
                             part(4, "lr %.3g", r.lr),
                             part(5, "%.0f pairs/s", r.pairs_per_s),
                             part(3, "data wait %.0f %%", 100 * r.data_wait)};
  if (seconds_left) parts.push_back(part(7, "%s left", duration_text(*seconds_left).c_str()));
  for (;;) {
    std::string line;
    for (const Part& p : parts) line += (line.empty() ? "" : "  ") + p.text;
    if (line.size() <= columns || parts.size() == 1) return line.substr(0, columns);
    parts.erase(std::min_element(parts.begin(), parts.end(),
                                 [](const Part& a, const Part& b) { return a.importance < b.importance; }));
  }
}

Progress::Progress(std::FILE* out, RunDirectory& run, const Length& length,
                   std::chrono::milliseconds interval)
    : out_(out),
      run_(run),
      terminal_(out != nullptr && isatty(fileno(out))),
      length_(length),
      interval_(interval) {}

std::optional<double> Progress::seconds_left(const StepRecord& r) const {
  const long timed = r.step - length_.first - 1;
  if (timed < 1) return std::nullopt;
  // A step is recorded while the next one runs, but the last one of an epoch at once, so that two may come
  // together: then the steps' own seconds are more.
  const double passed = std::max(std::chrono::duration<double>(Clock::now() - begun_).count(), stepped_);
  return passed / double(timed) * double(length_.total - r.step);
}

void Progress::show(const StepRecord& r, std::optional<double> left) {
  // the last column stays free: some terminals wrap when it is written to
  std::fprintf(out_, "\r%s\033[K", progress_text(r, length_.total, left, terminal_columns(out_) - 1).c_str());
  std::fflush(out_);
  open_ = true;
  shown_ = Clock::now();
  shown_step_ = r.step;
}

void Progress::log(const StepRecord& r, std::optional<double> left) {
  const std::string line = progress_text(r, length_.total, left);
  run_.log(line);
  if (!terminal_) std::fprintf(out_, "%s\n", line.c_str()), std::fflush(out_);
  logged_ = Clock::now();
  logged_step_ = r.step;
}

void Progress::step(const StepRecord& r) {
  if (out_ == nullptr) return;
  const bool first = r.step == length_.first + 1;  // shown at once: the user sees that the training runs
  if (first)
    begun_ = Clock::now();
  else
    stepped_ += r.seconds;
  const auto left = seconds_left(r);
  const auto now = Clock::now();
  if (terminal_ && (first || now - shown_ >= std::chrono::milliseconds(100))) show(r, left);
  const bool ends_epoch = r.epoch == std::floor(r.epoch);
  if (r.step < length_.total && (first || ends_epoch || now - logged_ >= interval_)) log(r, left);
}

void Progress::say(const std::string& text) {
  if (out_ == nullptr) return;
  const std::string line = engine::shown(text);
  std::fprintf(out_, "%s%s\n", open_ ? "\n" : "", line.c_str());
  std::fflush(out_);
  open_ = false;
  run_.log(line);
}

void Progress::finish(const StepRecord& r) {
  if (out_ == nullptr) return;
  if (logged_step_ != r.step) log(r, std::nullopt);
  if (terminal_ && (open_ || shown_step_ != r.step)) show(r, std::nullopt);
  if (open_) std::fprintf(out_, "\n");
  open_ = false;
}

}  // namespace apps
