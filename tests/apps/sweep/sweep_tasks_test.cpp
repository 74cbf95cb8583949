// Tasks beside each other: what they leave, what a failure and a signal do.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "apps/sweep/tasks.h"
#include "tests/support/scratch.h"

namespace {

using apps::Outcome;

apps::Task task(const Scratch& scratch, const std::string& name, const std::string& script,
                const std::string& then = "true") {
  return {.name = name, .folder = scratch.path(name), .commands = {{"sh", "-c", script}, {"sh", "-c", then}}};
}

TEST_CASE("sweep: a task that fails does not stop the others") {
  const Scratch scratch;
  const std::vector<apps::Task> tasks = {
      task(scratch, "good", "echo one", "echo two"),
      task(scratch, "bad", "echo dyad -c: no such thing; exit 65", "echo never"),
      task(scratch, "killed", "kill -9 $$"),
      {.name = "none", .folder = scratch.path("none"), .commands = {{"/no/such/program"}}},
      {.name = "no-folder", .folder = "/proc/no/folder", .commands = {{"true"}}},
      task(scratch, "last", "true")};
  std::size_t started = 0, ended = 0;
  const apps::Outcomes outcomes = apps::run_tasks(
      tasks, 2, [&](std::size_t, const Outcome& o) { (o.kind == Outcome::running ? started : ended) += 1; });
  CHECK(started == tasks.size());
  CHECK(ended == tasks.size());
  CHECK(outcomes.signal == 0);
  CHECK(outcomes.of[0].kind == Outcome::finished);
  CHECK(scratch.read("good/sweep.log") == "one\ntwo\n");
  CHECK(outcomes.of[1].kind == Outcome::failed);
  CHECK(outcomes.of[1].code == 65);
  CHECK(outcomes.of[1].reason == "no such thing");
  CHECK(scratch.read("bad/sweep.log").find("never") == std::string::npos);
  CHECK(outcomes.of[2].reason == "ended by signal 9 (Killed)");
  CHECK(outcomes.of[3].reason == "/no/such/program can't be started");
  CHECK(outcomes.of[4].kind == Outcome::failed);
  CHECK(outcomes.of[5].kind == Outcome::finished);
}

TEST_CASE("sweep: the reason is of this start, not of an earlier one") {
  const Scratch scratch;
  scratch.write("a/sweep.log", "an old reason\n");
  const auto outcomes =
      apps::run_tasks({task(scratch, "a", "exit 3")}, 1, [](std::size_t, const Outcome&) {});
  CHECK(outcomes.of[0].reason == "");
  CHECK(scratch.read("a/sweep.log") == "an old reason\n");
}

TEST_CASE("sweep: tasks that run at the same time share the cores") {
  const Scratch scratch;
  const auto alone = [](std::size_t, const Outcome&) {};
  const std::string script = "echo ${OMP_NUM_THREADS-all}";
  apps::run_tasks({task(scratch, "many", script)}, 1000, alone);
  CHECK(scratch.read("many/sweep.log") == "1\n");
}

// A process of its own gets the signal, and ends with 0 if all was as it should be.
TEST_CASE("sweep: a signal is passed on, waited for, and nothing more starts") {
  const Scratch scratch;
  const std::vector<apps::Task> tasks = {
      task(scratch, "running",
           "trap 'echo saved; exit 75' INT TERM; echo ready; while :; do sleep 0.05; done"),
      task(scratch, "next", "echo never")};
  const pid_t sweep = fork();
  if (sweep == 0) {
    const auto outcomes = apps::run_tasks(tasks, 1, [](std::size_t, const Outcome&) {});
    _exit(outcomes.signal == SIGINT && outcomes.of[0].kind == Outcome::stopped &&
                  outcomes.of[1].kind == Outcome::not_started
              ? 0
              : 1);
  }
  while (scratch.read("running/sweep.log").empty()) usleep(10'000);
  kill(sweep, SIGINT);
  int status = 0;
  waitpid(sweep, &status, 0);
  CHECK(status == 0);
  CHECK(scratch.read("running/sweep.log") == "ready\nsaved\n");
  CHECK_FALSE(std::filesystem::exists(scratch.path("next")));
}

}  // namespace
