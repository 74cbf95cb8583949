// Ctrl-C (SIGINT), SIGTERM, SIGUSR1 (what batch systems send before they take a machine away) and SIGHUP (a
// terminal that was closed) ask a training to stop: it polls, leaves a checkpoint and ends.
#pragma once

#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace apps {

// What a process does at each of stop_signals().
using Handlers = std::vector<std::pair<int, struct sigaction>>;

// While one lives, these signals are only noted. A second Ctrl-C ends the program at once.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool stop() const;         // one has come
  int exit_code() const;     // 130 after Ctrl-C, 75 (try again) after the others
  const char* name() const;  // "Ctrl-C", "SIGTERM" ...

 private:
  Handlers before_;
};

// While one lives, and no StopSignals, these signals end this process as they would without it, after a line
// of its own, "dyad knn: Ctrl-C: stopped before the end". Processes that it forks say nothing.
class SayStopped {
 public:
  explicit SayStopped(const std::string& speaker);  // "dyad knn"; "": no line
  ~SayStopped();
  SayStopped(const SayStopped&) = delete;
  SayStopped& operator=(const SayStopped&) = delete;

 private:
  Handlers before_;
};

// The signals that ask to stop: not SIGHUP if it was ignored at the start, as nohup does.
std::vector<int> stop_signals();
const char* signal_name(int signal);  // "Ctrl-C", "SIGTERM", "SIGUSR1" or "SIGHUP"; of another signal ""

}  // namespace apps
