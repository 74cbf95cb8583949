// The line of a command that a signal stops. Children of this process are the commands.
#include "apps/system/signals.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

namespace {

struct Ended {
  std::string said;
  int signal = 0;
};

// What a process says on stderr, and the signal that ends it.
Ended ended(const std::function<void()>& command) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]), close(ends[1]);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) std::signal(signal, SIG_DFL);  // not the tests' own
    command();
    _exit(0);
  }
  close(ends[1]);
  Ended e;
  char text[200];
  for (ssize_t n; (n = read(ends[0], text, sizeof text)) > 0;) e.said.append(text, std::size_t(n));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  e.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return e;
}

}  // namespace

TEST_CASE("signals: a command that one stops says so, and ends by it") {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    CAPTURE(signal);
    const Ended e = ended([&] {
      const apps::SayStopped say("dyad knn");
      raise(signal);
    });
    CHECK(e.said == std::string("\ndyad knn: ") + apps::signal_name(signal) + ": stopped before the end\n");
    CHECK(e.signal == signal);
  }
}

TEST_CASE("signals: only the command itself says it, and a training notes it instead") {
  const Ended forked = ended([] {
    const apps::SayStopped say("dyad racecheck");
    const pid_t child = fork();
    if (child == 0) raise(SIGINT);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  });
  CHECK(forked.said == "\ndyad racecheck: Ctrl-C: stopped before the end\n");

  const Ended training = ended([] {
    const apps::SayStopped say("dyad pretrain");
    {
      const apps::StopSignals noted;
      raise(SIGTERM);
      if (!noted.stop() || noted.exit_code() != 75) _exit(1);
    }
    raise(SIGTERM);  // after the training
  });
  CHECK(training.said == "\ndyad pretrain: SIGTERM: stopped before the end\n");
  CHECK(training.signal == SIGTERM);
  CHECK(ended([] {
          const apps::SayStopped say("");  // another rank than the first
          raise(SIGINT);
        }).said == "");
}
