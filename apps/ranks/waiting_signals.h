// The signals that a process gets while it waits for the ranks that it has started.
#pragma once

#include <csignal>

namespace apps {

// While one exists, the signals that stop a run, and SIGCHLD, are blocked until they are asked for.
class WaitingSignals {
 public:
  WaitingSignals();
  ~WaitingSignals() { restore(); }
  WaitingSignals(const WaitingSignals&) = delete;
  WaitingSignals& operator=(const WaitingSignals&) = delete;

  void restore() const;    // for a child process, before it becomes another program
  siginfo_t next() const;  // the next one, or si_signo 0 if none comes within a tenth of a second

 private:
  sigset_t set_{}, before_{};
};

}  // namespace apps
