#include "apps/ranks/mpirun.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "apps/ranks/waiting_signals.h"
#include "apps/system/exit_code.h"
#include "apps/system/result_output.h"
#include "apps/system/shell.h"
#include "engine/error.h"
#include "engine/ranks/rank_endings.h"

namespace apps {
namespace {

[[noreturn]] void become_mpirun(const std::vector<std::string>& words, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kFailed);  // the parent ended before prctl
  // A terminal's Ctrl-C shall reach the parent alone, so mpirun gets a process group of its own. In it,
  // mpirun may not read from the terminal.
  setpgid(0, 0);
  if (isatty(STDIN_FILENO) != 0) dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  restore_stdout();
  become(words);
}

// Sends a signal to the children of a process. Returns how many there are.
int signal_children(pid_t parent, int signal) {
  int children = 0;
  std::error_code ignored;  // processes may end meanwhile
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    // PID (NAME) STATE PARENT ...; the name may have blanks and parentheses
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos || end + 4 > text.size() || std::atol(text.c_str() + end + 4) != parent)
      continue;
    children += kill(pid_t(std::stol(name)), signal) == 0;
  }
  return children;
}

// `code` is the launcher's, after the ranks have ended by themselves. A rank that was ended once it was
// connected is lost, else the run has failed.
int code_of_ranks(const engine::RankEndings& endings, int code, int asked) {
  const bool by_signal = code >= 128, connected = endings.connected();
  if (by_signal ? connected || asked != 0 : endings.chosen(code)) return code_of_run(code, asked);
  std::fprintf(stderr, "dyad: %s has ended a rank with exit code %d%s\n",
               by_signal ? "a signal" : "a library", code,
               connected ? "; rerun with --resume auto to continue from the newest checkpoint"
                         : " before the ranks were connected");
  return by_signal || connected ? kTryAgain : kFailed;
}

}  // namespace

int run_mpirun(const std::vector<std::string>& command) {
  const WaitingSignals signals;
  const engine::RankEndings endings;
  const pid_t self = getpid(), mpirun = fork();
  if (mpirun == 0) {
    signals.restore();
    become_mpirun(command, self);
  }
  if (mpirun < 0) throw std::runtime_error(std::string("mpirun can't be started: ") + std::strerror(errno));
  int asked = 0;
  bool aborted = false;
  for (;;) {
    const siginfo_t info = signals.next();
    if (info.si_signo != 0 && info.si_signo != SIGCHLD) {
      asked = info.si_signo;
      aborted = signal_children(mpirun, asked) == 0;  // no rank yet: nothing would be lost
      if (aborted) kill(mpirun, SIGTERM);
    }
    int status = 0;
    if (waitpid(mpirun, &status, WNOHANG) != mpirun) continue;
    const int code = exit_code(status);
    if (code == kNotStarted) throw engine::UsageError("mpirun can't be started; install openmpi-bin");
    if (WIFSIGNALED(status) && !aborted)
      std::fprintf(
          stderr,
          "dyad: mpirun was ended by signal %d; rerun with --resume auto to continue from the newest "
          "checkpoint\n",
          WTERMSIG(status));
    if (aborted && code != kOk) return code_of_run(128 + asked, asked);
    return code_of_ranks(endings, code, asked);
  }
}

int code_of_run(int code, int asked) {
  if (code < 128) return code;
  return asked == SIGINT || code == kInterrupted ? kInterrupted : kTryAgain;
}

}  // namespace apps
