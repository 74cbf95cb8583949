// The progress line on terminals of several widths, and the lines of log files.
#include "apps/watching/progress.h"

#include <doctest/doctest.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "apps/cli/commands.h"
#include "apps/system/duration.h"
#include "apps/system/exit_code.h"
#include "apps/system/terminal.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

namespace {

apps::StepRecord step_record(long step) {
  return {.step = step,
          .epoch = double(step) / 10,
          .loss = 0.25,
          .lr = 0.1,
          .pairs_per_s = 100,
          .data_wait = 0.25};
}

// A terminal whose output is read.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    REQUIRE(openpty(&screen_, &end, nullptr, nullptr, nullptr) == 0);
    resize(columns);
    reader_ = std::thread([this] {
      char bytes[4096];
      for (ssize_t n = 0; (n = read(screen_, bytes, sizeof bytes)) > 0;) shown_.append(bytes, std::size_t(n));
    });
  }
  ~Terminal() { close_screen(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  void resize(unsigned short columns) const {
    const winsize size{24, columns, 0, 0};
    REQUIRE(ioctl(screen_, TIOCSWINSZ, &size) == 0);
  }
  // The lines as they were at any time: a carriage return begins another one. `end` must be closed before.
  std::vector<std::string> lines() {
    close_screen();
    std::vector<std::string> all(1);
    for (std::size_t i = 0; i < shown_.size(); ++i) {
      if (shown_.compare(i, 3, "\033[K") == 0)
        i += 2;
      else if (shown_[i] == '\r' || shown_[i] == '\n')
        all.emplace_back();
      else
        all.back() += shown_[i];
    }
    std::erase(all, "");
    return all;
  }
  int end = -1;  // that a program writes to

 private:
  void close_screen() {
    if (!reader_.joinable()) return;
    reader_.join();  // when no end is open, reading fails
    close(screen_);
  }
  int screen_ = -1;
  std::string shown_;
  std::thread reader_;
};

apps::PretrainOptions tiny_options(const Scratch& scratch) {
  apps::PretrainOptions o = tiny_training(small_cifar(scratch, "images", 64, 16), scratch.path("run"));
  o.epochs = 2;
  return o;
}

std::vector<std::string> steps_in(const std::string& text) {
  std::vector<std::string> steps;
  for (std::size_t at = 0; (at = text.find("step ", at)) != std::string::npos; ++at) {
    const auto slash = text.find('/', at);
    if (text.find(' ', at + 5) > slash) steps.push_back(text.substr(at + 5, slash - at - 5));
  }
  return steps;
}

TEST_CASE("the time left, where two steps are recorded at once") {
  const Scratch scratch;
  apps::PretrainOptions o;
  o.run = scratch.path("run");
  apps::resolve(o, true);
  apps::RunDirectory run(o, 0);
  std::FILE* nowhere = std::fopen("/dev/null", "w");
  apps::Progress progress(nowhere, run, {10, 1012});
  apps::StepRecord r = step_record(11);
  r.seconds = 3;
  progress.step(r);
  r.step = 12, r.seconds = 2;  // the last of an epoch, right after the one before
  progress.step(r);
  CHECK(progress.seconds_left(r).value() == doctest::Approx(2000).epsilon(0.01));
  std::fclose(nowhere);
}

TEST_CASE("progress: what matters least is left out where the line is too long") {
  const auto text = [](std::size_t columns) {
    return apps::progress_text(step_record(20), 400, 3723, columns);
  };
  CHECK(text(1000) ==
        "step 20/400  epoch 2.00  loss 0.2500  lr 0.1  100 pairs/s  data wait 25 %  1:02:03 left");
  CHECK(text(text(1000).size()) == text(1000));
  CHECK(text(79) == "step 20/400  epoch 2.00  loss 0.2500  lr 0.1  100 pairs/s  1:02:03 left");
  CHECK(text(66) == "step 20/400  epoch 2.00  loss 0.2500  100 pairs/s  1:02:03 left");
  CHECK(text(59) == "step 20/400  epoch 2.00  loss 0.2500  1:02:03 left");
  CHECK(text(39) == "step 20/400  loss 0.2500  1:02:03 left");
  CHECK(text(30) == "step 20/400  loss 0.2500");
  CHECK(text(20) == "step 20/400");
  CHECK(text(6) == "step 2");
  CHECK(apps::progress_text(step_record(1), 400, std::nullopt).find("left") == std::string::npos);
  for (std::size_t columns = 1; columns < 100; ++columns) CHECK(text(columns).size() <= columns);
  CHECK(apps::duration_text(59.6) == "1:00");
  CHECK(apps::duration_text(-1) == "0:00");
}

TEST_CASE("progress: the line fits the terminal, also after a resize") {
  const Scratch scratch;
  apps::RunDirectory run(tiny_options(scratch), 0);
  for (const auto& [before, after] : {std::pair(80, 60), std::pair(60, 40), std::pair(40, 132)}) {
    Terminal terminal(static_cast<unsigned short>(before));
    std::FILE* file = fdopen(terminal.end, "w");
    CHECK(apps::terminal_columns(file) == std::size_t(before));
    apps::Progress progress(file, run, {0, 12345});
    progress.step(step_record(1));
    terminal.resize(static_cast<unsigned short>(after));
    progress.say("a message");
    progress.step(step_record(2));  // less than a tenth of a second later: not shown
    progress.finish(step_record(3));
    std::fclose(file);
    const auto lines = terminal.lines();
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].rfind("step 1/12345", 0) == 0);
    CHECK(lines[0].size() < std::size_t(before));
    CHECK(lines[1] == "a message");
    CHECK(lines[2].rfind("step 3/12345", 0) == 0);
    CHECK(lines[2].size() < std::size_t(after));
    CHECK((lines[2].find("data wait") != std::string::npos) == (after == 132));
  }
}

TEST_CASE("progress: the width where the terminal has none") {
  const Scratch scratch;
  std::FILE* file = std::fopen(scratch.path("file").c_str(), "w");
  const char* before = std::getenv("COLUMNS");
  const std::string kept = before != nullptr ? before : "";
  setenv("COLUMNS", "44", 1);
  CHECK(apps::terminal_columns(file) == 44);
  setenv("COLUMNS", "many", 1);
  CHECK(apps::terminal_columns(file) == 80);
  unsetenv("COLUMNS");
  CHECK(apps::terminal_columns(file) == 80);
  if (before != nullptr) setenv("COLUMNS", kept.c_str(), 1);
  std::fclose(file);
}

TEST_CASE("progress: a file gets a line per epoch, one a minute, and no step twice") {
  const Scratch scratch;
  const auto shown = [&](std::chrono::milliseconds interval, long first, long last, long total) {
    apps::RunDirectory run(tiny_options(scratch), 0);
    std::FILE* file = std::fopen(scratch.path("shown").c_str(), "w");
    std::filesystem::resize_file(run.path("train.log"), 0);
    {
      apps::Progress progress(file, run, {first, total}, interval);
      for (long i = first + 1; i <= last; ++i) progress.step(step_record(i));
      progress.finish(step_record(last));
    }
    std::fclose(file);
    const std::string text = scratch.read("shown");
    const auto steps = steps_in(text);
    CHECK(steps == steps_in(scratch.read("run/train.log")));
    if (last == total) CHECK(text.substr(text.rfind("step ")).find("left") == std::string::npos);
    return steps;
  };
  using Steps = std::vector<std::string>;
  const auto hour = std::chrono::hours(1);
  CHECK(shown(hour, 0, 25, 25) == Steps{"1", "10", "20", "25"});
  CHECK(shown(hour, 0, 20, 20) == Steps{"1", "10", "20"});
  CHECK(shown(hour, 0, 1, 1) == Steps{"1"});
  CHECK(shown(hour, 14, 20, 40) == Steps{"15", "20"});  // resumed, and stopped at the end of an epoch
  CHECK(shown(hour, 8, 13, 40) == Steps{"9", "10", "13"});
  CHECK(shown(std::chrono::milliseconds(0), 0, 4, 40) == Steps{"1", "2", "3", "4"});
}

TEST_CASE("progress: a whole training on a terminal of 80 columns") {
  const Scratch scratch;
  const apps::PretrainOptions o = tiny_options(scratch);
  Terminal terminal(80);
  std::fflush(stderr);
  const int kept = dup(2);
  dup2(terminal.end, 2);
  close(terminal.end);
  const int code = apps::pretrain(o);
  std::fflush(stderr);
  dup2(kept, 2);  // closes the terminal's end
  close(kept);
  CHECK(code == apps::kOk);
  int progress_lines = 0;
  for (const std::string& line : terminal.lines()) {
    CAPTURE(line);
    const bool progress = line.rfind("step ", 0) == 0;
    const bool long_line = line.rfind("evaluate: ", 0) == 0 || line.rfind("export: ", 0) == 0 ||
                           line.rfind("features: ", 0) == 0 || line.rfind("report: ", 0) == 0 ||
                           line.rfind("warning: ", 0) == 0;
    CHECK((long_line || line.size() <= (progress ? 79U : 80U)));  // a path is to be copied, and not broken
    progress_lines += progress;
  }
  CHECK(progress_lines >= 2);
  CHECK(steps_in(scratch.read("run/train.log")) == std::vector<std::string>{"1", "4", "8"});
}

}  // namespace
