#include "apps/system/signals.h"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "apps/system/exit_code.h"

namespace apps {
namespace {

volatile std::sig_atomic_t noted = 0;

extern "C" void note(int signal) {
  if (signal == SIGINT && noted == SIGINT) {  // the second: its default action, on return
    constexpr char line[] = "Ctrl-C again: ended at once, without another checkpoint\n";
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  noted = signal;
}

void set(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // reads and writes under way are not interrupted
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  noted = 0;
  set(note);
}
StopSignals::~StopSignals() { set(SIG_DFL); }

bool StopSignals::stop() const { return noted != 0; }

int StopSignals::exit_code() const { return noted == SIGINT ? kInterrupted : noted != 0 ? kTryAgain : kOk; }

const char* StopSignals::name() const { return signal_name(noted); }

const char* signal_name(int signal) {
  return signal == SIGINT ? "Ctrl-C" : signal == SIGTERM ? "SIGTERM" : signal == SIGUSR1 ? "SIGUSR1" : "";
}

}  // namespace apps
