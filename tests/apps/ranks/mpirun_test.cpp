// --ranks on the CPU device, with shell scripts as mpirun and its ranks.
#include "apps/ranks/mpirun.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>

#include "engine/error.h"
#include "tests/support/scratch.h"

using namespace std::chrono_literals;

namespace {

// Like mpirun: starts two ranks, gives the code of the first that fails, and ends them at SIGTERM.
std::string launcher(const Scratch& scratch, const std::string& rank) {
  return scratch.write("launcher.sh",
                       "trap 'echo told >" + scratch.path("launcher") + R"(; kill $a $b; exit 1' TERM
rank() { )" + rank + R"( }
rank 0 & a=$!
rank 1 & b=$!
code=0
wait $a || code=$?
wait $b || code=$?
exit $code
)");
}

int launched_code(const Scratch& scratch, const std::string& rank) {
  return apps::run_mpirun({"/bin/sh", launcher(scratch, rank)});
}

// The code after a signal that this process, like `dyad pretrain --ranks 2`, gets while both ranks run.
int code_after(const Scratch& scratch, int signal) {
  const std::string at = scratch.path("");
  const std::string rank = "trap 'exit 75' TERM USR1; echo >" + at +
                           "ready$1; i=0; while [ $i -lt 2000 ]; do sleep 0.01; i=$((i + 1)); done";
  const std::string script = launcher(scratch, rank);
  const pid_t child = fork();
  if (child == 0) _exit(apps::run_mpirun({"/bin/sh", script}));
  for (int i = 0; i < 1000; ++i) {
    if (std::filesystem::exists(at + "ready0") && std::filesystem::exists(at + "ready1")) break;
    std::this_thread::sleep_for(10ms);
  }
  kill(child, signal);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("mpirun: the code of the ranks is that of the run; a rank that a signal ends is a lost one") {
  const Scratch scratch;
  CHECK(launched_code(scratch, "exit 0;") == 0);
  CHECK(launched_code(scratch, "[ $1 = 0 ] || exit 65;") == 65);
  CHECK(launched_code(scratch, "[ $1 = 0 ] || exec sh -c 'kill -KILL $$';") == 75);
  CHECK(apps::code_of_run(137, 0) == 75);
  CHECK(apps::code_of_run(143, SIGTERM) == 75);
  CHECK(apps::code_of_run(130, 0) == 130);
  CHECK(apps::code_of_run(143, SIGINT) == 130);
  CHECK(apps::code_of_run(1, SIGINT) == 1);
}

// The events are those of engine/ranks/rank_endings.cpp: two bytes each, the lower one first.
TEST_CASE("mpirun: a rank that a library ends is lost once it is connected, and has failed before") {
  const auto ended = [](const std::string& says) {
    const Scratch scratch;
    return launched_code(scratch, "[ $1 = 0 ] || { printf '" + says + "' >>$DYAD_RANK_ENDINGS; exit 2; };");
  };
  const std::string begun = R"(\000\001)", connected = R"(\001\001)", usage = R"(\002\000)";
  CHECK(ended("") == 2);  // mpirun's own
  CHECK(ended(begun) == 1);
  CHECK(ended(begun + connected) == 75);
  CHECK(ended(begun + connected + R"(\101\000)") == 75);  // another rank has said 65
  CHECK(ended(begun + connected + usage) == 2);
  CHECK(ended(begun + usage) == 2);
}

// A shell's background processes ignore SIGINT, so tests/mpi/check_program.sh tests it.
TEST_CASE("mpirun: signals reach the ranks, which end by themselves, and not mpirun") {
  for (const int signal : {SIGTERM, SIGUSR1, SIGHUP}) {
    CAPTURE(signal);
    const Scratch scratch;
    CHECK(code_after(scratch, signal) == 75);
    CHECK_FALSE(std::filesystem::exists(scratch.path("launcher")));
  }
}

TEST_CASE("mpirun: a missing program is named") {
  CHECK(message_of<engine::UsageError>([] { apps::run_mpirun({"/no/such/mpirun"}); }) ==
        "mpirun can't be started; install openmpi-bin");
}
