// --ranks on the CUDA device, with shell scripts as ranks.
#include "apps/ranks/local_ranks.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
#include <thread>

#include "tests/support/scratch.h"

using namespace std::chrono_literals;

namespace {

int run(int ranks, const std::string& script, std::chrono::milliseconds grace = 100ms) {
  return apps::run_local_ranks(ranks, {"/bin/sh", "-c", script}, grace);
}

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string wait_for(const std::filesystem::path& file) {
  for (int i = 0; i < 500; ++i) {
    const std::string text = content(file);
    if (text.ends_with('\n')) return text;
    std::this_thread::sleep_for(10ms);
  }
  FAIL(file.string() << " has not come");
  return {};
}

// Whether a process has ended or is a zombie.
bool ended(const std::string& pid) {
  for (int i = 0; i < 500; ++i) {
    const std::string stat = content("/proc/" + pid + "/stat");
    if (stat.empty() || stat.substr(stat.rfind(')')).starts_with(") Z")) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

// Starts a process like `dyad pretrain --ranks 2`; the tests send signals to it only.
pid_t start(const std::string& script) {
  const pid_t child = fork();
  if (child == 0) _exit(run(2, script));
  return child;
}

int exit_code(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("local ranks: each gets its rank in the environment") {
  const Scratch dir;
  const std::string at = dir.path("");
  CHECK(run(3, "echo $RANK $LOCAL_RANK $WORLD_SIZE $MASTER_ADDR:$MASTER_PORT >" + at + "$RANK") == 0);
  for (int r : {0, 1, 2}) {
    const std::string n = std::to_string(r);
    CHECK(content(at + n) == n + " " + n + " 3 127.0.0.1:29400\n");
  }
}

TEST_CASE("local ranks: if one fails, the others are ended") {
  const auto begun = std::chrono::steady_clock::now();
  CHECK(run(3, "if [ $RANK = 1 ]; then exit 7; fi; exec sleep 100") == 7);
  CHECK(run(2, "if [ $RANK = 1 ]; then kill -9 $$; fi; trap '' TERM; while :; do sleep 0.01; done") ==
        128 + 9);
  CHECK(std::chrono::steady_clock::now() - begun < 20s);
  CHECK(apps::run_local_ranks(2, {"/no/such/program"}) == 127);
}

TEST_CASE("local ranks: the others have time to end by themselves") {
  CHECK(run(2, "if [ $RANK = 1 ]; then exit 7; fi; sleep 0.2; exit 75", 20s) == 7);
}

TEST_CASE("local ranks: signals are forwarded, and no rank outlives the starter") {
  const Scratch dir;
  const std::string at = dir.path("");
  const auto trap = [&](const char* name) {
    return "trap 'exit 75' TERM; echo $$ >" + at + name + "$RANK; while :; do sleep 0.01; done";
  };
  const pid_t told = start(trap("told"));
  wait_for(at + "told0");
  wait_for(at + "told1");
  kill(told, SIGTERM);
  CHECK(exit_code(told) == 75);

  const pid_t killed = start(trap("killed"));
  std::string ranks[2];
  for (int r : {0, 1}) {
    ranks[r] = wait_for(at + "killed" + std::to_string(r));
    ranks[r].pop_back();
  }
  kill(killed, SIGKILL);
  CHECK(exit_code(killed) == 128 + 9);
  for (const std::string& pid : ranks) CHECK(ended(pid));
}
