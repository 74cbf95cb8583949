#include "apps/ranks/local_ranks.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "apps/ranks/waiting_signals.h"
#include "apps/system/exit_code.h"
#include "apps/system/result_output.h"
#include "apps/system/shell.h"

namespace apps {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void become_rank(int rank, int ranks, pid_t parent, const std::vector<std::string>& command) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kFailed);  // the parent ended before prctl
  const auto set = [](const char* name, const std::string& value, bool replace = true) {
    setenv(name, value.c_str(), replace ? 1 : 0);
  };
  set("MASTER_ADDR", "127.0.0.1", false);
  set("MASTER_PORT", "29400", false);
  set("WORLD_SIZE", std::to_string(ranks));
  set("RANK", std::to_string(rank));
  set("LOCAL_RANK", std::to_string(rank));
  restore_stdout();
  become(command);
}

class Processes {
 public:
  void add(pid_t p) { running_.push_back(p); }
  bool any() const { return !running_.empty(); }
  void send(int signal) const {
    for (const pid_t p : running_) kill(p, signal);
  }
  // Removes the processes that have ended. Returns the exit code of the first one that failed.
  int reap() {
    int first = kOk;
    std::erase_if(running_, [&](pid_t p) {
      int status = 0;
      if (waitpid(p, &status, WNOHANG) == 0) return false;
      const int code = exit_code(status);
      if (first == kOk) first = code;
      return true;
    });
    return first;
  }

 private:
  std::vector<pid_t> running_;
};

}  // namespace

int run_local_ranks(int ranks, const std::vector<std::string>& command, std::chrono::milliseconds grace) {
  const WaitingSignals signals;
  Processes processes;
  const pid_t self = getpid();
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = fork();
    if (child == 0) {
      signals.restore();
      become_rank(rank, ranks, self, command);
    }
    if (child < 0) {
      const std::string why = std::strerror(errno);
      processes.send(SIGKILL);
      throw std::runtime_error("rank " + std::to_string(rank) + " can't be started: " + why);
    }
    processes.add(child);
  }

  int result = kOk;
  Clock::time_point deadline{};
  int next_signal = SIGTERM;
  while (processes.any()) {
    const siginfo_t info = signals.next();
    // A terminal's Ctrl-C has reached the ranks already.
    if (info.si_signo != 0 && info.si_signo != SIGCHLD && info.si_code != SI_KERNEL)
      processes.send(info.si_signo);
    const int code = processes.reap();
    if (code != kOk && result == kOk) {
      result = code;
      deadline = Clock::now() + grace;
    }
    if (result != kOk && Clock::now() > deadline) {
      processes.send(next_signal);
      next_signal = SIGKILL;
      deadline = Clock::now() + grace;
    }
  }
  return result;
}

}  // namespace apps
