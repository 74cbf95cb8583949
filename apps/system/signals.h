// Ctrl-C (SIGINT), SIGTERM, SIGUSR1 (what batch systems send before they take a machine away) and SIGHUP (a
// terminal that was closed) ask a training to stop: it polls, leaves a checkpoint and ends.
#pragma once

#include <vector>

namespace apps {

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
};

// The signals that ask to stop: not SIGHUP if it was ignored at the start, as nohup does.
std::vector<int> stop_signals();
const char* signal_name(int signal);  // "Ctrl-C", "SIGTERM", "SIGUSR1" or "SIGHUP"; of another signal ""

}  // namespace apps
