#include "apps/ranks/waiting_signals.h"

#include "apps/system/signals.h"

namespace apps {

WaitingSignals::WaitingSignals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGCHLD);
  for (const int signal : stop_signals()) sigaddset(&set_, signal);
  sigprocmask(SIG_BLOCK, &set_, &before_);
}

void WaitingSignals::restore() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }

siginfo_t WaitingSignals::next() const {
  siginfo_t info{};
  const timespec patience{0, 100'000'000};
  if (sigtimedwait(&set_, &info, &patience) < 0) info.si_signo = 0;
  return info;
}

}  // namespace apps
