// --json -: the result alone is on stdout, what people read is on stderr.
#include "apps/system/result_output.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/cli/command_table.h"
#include "tests/support/scratch.h"

namespace {

// The process's stdout and stderr go to files while one exists.
class Captured {
 public:
  explicit Captured(const Scratch& scratch) {
    flush();
    for (const int f : {STDOUT_FILENO, STDERR_FILENO}) {
      own_[f - 1] = dup(f);
      const int file =
          open(scratch.path(f == STDOUT_FILENO ? "out" : "err").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(file, f);
      close(file);
    }
  }
  ~Captured() {
    flush();
    for (const int f : {STDOUT_FILENO, STDERR_FILENO}) {
      dup2(own_[f - 1], f);
      close(own_[f - 1]);
    }
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

 private:
  static void flush() {
    std::cout.flush();
    std::fflush(stdout);
  }
  int own_[2];
};

int run(const Scratch& scratch, const std::vector<std::string>& arguments) {
  const Captured captured(scratch);
  std::ostringstream out, err;
  return apps::run_command_line(arguments, out, err);
}

}  // namespace

TEST_CASE("--json -: commands write their result to stdout, and their text to stderr") {
  const Scratch scratch;
  REQUIRE(run(scratch, {"data", "check", "--data", "data/samples", "--json", "-"}) == 0);
  CHECK(nlohmann::json::parse(scratch.read("out"))["train"]["images"] == 5000);
  CHECK(scratch.read("err").find("none broken") != std::string::npos);
  REQUIRE(run(scratch, {"info", "--arch=resnet10", "--width=0.125", "--batch=2", "--json=-"}) == 0);
  CHECK(nlohmann::json::parse(scratch.read("out")).contains("convolutions"));
  REQUIRE(run(scratch, {"data", "check", "--data", "data/samples"}) == 0);  // afterwards all is as before
  CHECK(scratch.read("out").find("none broken") != std::string::npos);
}

TEST_CASE("pretrain --dry-run --json: the plan for a script") {
  const Scratch scratch;
  REQUIRE(run(scratch, {"pretrain", "--data=data/samples", "--run=" + scratch.path("run"), "--arch=resnet10",
                        "--width=0.125", "--batch=500", "--epochs=3", "--dry-run", "--json=-"}) == 0);
  const auto plan = nlohmann::json::parse(scratch.read("out"));
  CHECK(plan["steps"] == 30);
  CHECK(plan["steps_per_epoch"] == 10);
  CHECK(plan["images"] == 5000);
  CHECK(plan["options"]["batch"] == 500);
  CHECK(plan["options"]["arch"] == "resnet10");
  CHECK(plan["options"]["graph"] == false);
  CHECK(plan["bytes"]["activations"] > 0);
  CHECK(plan["bytes"]["gradients"] == plan["bytes"]["parameters"]);
  CHECK_FALSE(std::filesystem::exists(scratch.path("run")));
  CHECK(scratch.read("err").find("warm-up") != std::string::npos);
}

TEST_CASE("--json -: an error leaves stdout empty, and as it was") {
  const Scratch scratch;
  CHECK(run(scratch, {"data", "check", "--data", scratch.path("none"), "--json", "-"}) == 65);
  CHECK(scratch.read("out").empty());
  {
    const Captured captured(scratch);
    std::printf("again\n");
  }
  CHECK(scratch.read("out") == "again\n");
}

TEST_CASE("--json and --csv of every command say that - is stdout") {
  int found = 0;
  for (const apps::Command& c : apps::command_table().commands)
    for (const apps::Field& f : c.fields) {
      if (f.name != "json" && f.name != "csv") continue;
      CAPTURE(c.name);
      CHECK(f.result);
      CHECK(f.help.find("-: stdout") != std::string::npos);
      ++found;
    }
  CHECK(found >= 10);
}
