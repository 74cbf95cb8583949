#include "apps/sweep/tasks.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "apps/ranks/waiting_signals.h"
#include "apps/system/exit_code.h"
#include "apps/system/machine.h"
#include "apps/system/shell.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

// The last line of a file that isn't empty, from an offset on.
std::string last_line(const std::string& path, std::uintmax_t from) {
  std::istringstream file(engine::read_text(path).bytes);
  file.seekg(std::streamoff(from));
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) last = line;
  return last;
}

// "dyad pretrain: --batch is 1" without the program's name and the command's.
std::string reason_of(int code, const List& command, const std::string& last) {
  const std::string speaker = "dyad " + (command.size() > 1 ? command[1] : "") + ": ";
  if (code > 128 && code != kInterrupted)
    return engine::concat_text("ended by signal ", code - 128, " (", strsignal(code - 128), ")");
  if (code == kNotStarted) return command[0] + " can't be started";
  return last.starts_with(speaker) ? last.substr(speaker.size()) : last;
}

[[noreturn]] void become_command(const List& command, int log, int threads, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(kFailed);  // the parent ended before prctl
  if (threads > 0) setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 1);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  become(command);
}

// A task whose command is running.
struct Running {
  std::size_t task;
  std::size_t command = 0;  // of the task
  std::uintmax_t log_begin = 0;
  pid_t process = -1;
};

class Tasks {
 public:
  Tasks(const std::vector<Task>& tasks, int jobs,
        const std::function<void(std::size_t, const Outcome&)>& tell)
      : tasks_(tasks),
        jobs_(std::size_t(jobs)),
        threads_(jobs > 1 ? std::max(1, cpu_info().cores / jobs) : 0),
        tell_(tell) {
    result_.of.resize(tasks.size());
  }

  Outcomes run() {
    for (std::size_t next = 0;;) {
      while (result_.signal == 0 && running_.size() < jobs_ && next < tasks_.size()) begin(next++);
      if (running_.empty()) return result_;
      const siginfo_t info = signals_.next();
      if (info.si_signo != 0 && info.si_signo != SIGCHLD) stop(info);
      std::erase_if(running_, [&](Running& r) { return !goes_on(r); });
    }
  }

 private:
  void begin(std::size_t task) {
    tell_(task, {Outcome::running, kOk, ""});
    Running r{.task = task};
    if (start(r)) running_.push_back(r);
  }

  // False if it can't be started, which ends the task.
  bool start(Running& r) {
    const Task& task = tasks_[r.task];
    std::error_code error;
    std::filesystem::create_directories(task.folder, error);
    std::string wrong;
    const int log = engine::open_own_file(log_of(task), O_WRONLY | O_CREAT | O_APPEND, wrong);
    if (log < 0) return end(r, {Outcome::failed, kFailed, log_of(task) + ": " + wrong});
    r.log_begin = std::filesystem::file_size(log_of(task), error);
    const pid_t self = getpid();
    r.process = fork();
    if (r.process == 0) {
      signals_.restore();
      become_command(task.commands[r.command], log, threads_, self);
    }
    const std::string why = std::strerror(errno);
    close(log);
    return r.process > 0 || end(r, {Outcome::failed, kFailed, "no process can be started: " + why});
  }

  bool goes_on(Running& r) {
    int status = 0;
    if (waitpid(r.process, &status, WNOHANG) == 0) return true;
    const Task& task = tasks_[r.task];
    const int code = exit_code(status);
    const bool last = r.command + 1 == task.commands.size();
    if (code == kOk && last) return end(r, {Outcome::finished, kOk, ""});
    if (result_.signal != 0) return end(r, {Outcome::stopped, code, ""});
    if (code == kOk) return ++r.command, start(r);
    return end(r, {Outcome::failed, code,
                   reason_of(code, task.commands[r.command], last_line(log_of(task), r.log_begin))});
  }

  bool end(const Running& r, const Outcome& outcome) {
    result_.of[r.task] = outcome;
    tell_(r.task, outcome);
    return false;
  }

  void stop(const siginfo_t& info) {
    result_.signal = info.si_signo;
    if (info.si_code == SI_KERNEL) return;  // a terminal's Ctrl-C has reached the commands already
    for (const Running& r : running_) kill(r.process, info.si_signo);
  }

  const std::vector<Task>& tasks_;
  const std::size_t jobs_;
  const int threads_;  // of each command; 0: as many as it likes
  const std::function<void(std::size_t, const Outcome&)>& tell_;
  const WaitingSignals signals_;
  std::vector<Running> running_;
  Outcomes result_;
};

}  // namespace

Outcomes run_tasks(const std::vector<Task>& tasks, int jobs,
                   const std::function<void(std::size_t, const Outcome&)>& tell) {
  return Tasks(tasks, jobs, tell).run();
}

std::string log_of(const Task& task) { return task.folder + "/sweep.log"; }

std::string command_text(const Task& task) {
  std::string text;
  for (const List& command : task.commands) {
    text += text.empty() ? "" : " && ";
    for (std::size_t i = 0; i < command.size(); ++i) text += (i == 0 ? "" : " ") + shell_word(command[i]);
  }
  return text;
}

}  // namespace apps
