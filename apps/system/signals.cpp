#include "apps/system/signals.h"

#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>

#include "apps/system/exit_code.h"

namespace apps {
namespace {

volatile std::sig_atomic_t noted = 0;
volatile double noted_at = 0;  // seconds

double now() {  // may be called in a signal handler
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// A program such as timeout sends one Ctrl-C to the process and to its group: it comes twice.
constexpr double kSameSignal = 0.2;  // seconds

extern "C" void note(int signal) {
  if (signal == SIGINT && noted == SIGINT && now() - noted_at < kSameSignal) return;
  if (signal == SIGINT && noted == SIGINT) {  // the second: its default action, on return
    constexpr char line[] = "Ctrl-C again: ended at once, without another checkpoint\n";
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
  }
  noted = signal;
  noted_at = now();
}

char stopped_speaker[64] = "";
pid_t speaks = 0;  // the process that says it

extern "C" void say_stopped(int signal) {
  if (getpid() == speaks) {
    const auto say = [](const char* text) { (void)!write(STDERR_FILENO, text, std::strlen(text)); };
    say("\n");  // after the terminal's ^C, or part of a table's row
    say(stopped_speaker);
    say(": ");
    say(signal_name(signal));
    say(": stopped before the end\n");
  }
  std::signal(signal, SIG_DFL);
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, signal);
  sigprocmask(SIG_UNBLOCK, &own, nullptr);
  std::raise(signal);
  _exit(128 + signal);  // the first process of a container is not ended by a signal's default action
}

// Returns what was set before.
Handlers set(void (*handler)(int)) {
  Handlers before;
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // reads and writes under way are not interrupted
  for (const int signal : stop_signals()) {
    struct sigaction own = {};
    sigaction(signal, &action, &own);
    before.emplace_back(signal, own);
  }
  return before;
}
void set_again(const Handlers& handlers) {
  for (const auto& [signal, action] : handlers) sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  noted = 0;
  before_ = set(note);
}
StopSignals::~StopSignals() { set_again(before_); }

SayStopped::SayStopped(const std::string& speaker) {
  if (speaker.empty()) return;
  stopped_speaker[speaker.copy(stopped_speaker, sizeof stopped_speaker - 1)] = 0;
  speaks = getpid();
  before_ = set(say_stopped);
}
SayStopped::~SayStopped() { set_again(before_); }

bool StopSignals::stop() const { return noted != 0; }

int StopSignals::exit_code() const { return noted == SIGINT ? kInterrupted : noted != 0 ? kTryAgain : kOk; }

const char* StopSignals::name() const { return signal_name(noted); }

std::vector<int> stop_signals() {
  struct sigaction now = {};
  sigaction(SIGHUP, nullptr, &now);
  std::vector<int> signals = {SIGINT, SIGTERM, SIGUSR1};
  if (now.sa_handler != SIG_IGN) signals.push_back(SIGHUP);
  return signals;
}

const char* signal_name(int signal) {
  return signal == SIGINT    ? "Ctrl-C"
         : signal == SIGTERM ? "SIGTERM"
         : signal == SIGUSR1 ? "SIGUSR1"
         : signal == SIGHUP  ? "SIGHUP"
                             : "";
}

}  // namespace apps
