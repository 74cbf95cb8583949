// dyad show: what a run and a checkpoint hold, in words and as JSON.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/cli/commands.h"
#include "apps/run/checkpoint.h"
#include "tests/support/scratch.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

namespace {

struct Shown {
  int code;
  std::string err;
  nlohmann::json json;
};

Shown shown(const Scratch& scratch, const std::string& what) {
  std::ostringstream out, err;
  const std::string json = scratch.path("show.json");
  const int code = apps::run_command_line({"show", what, "--tensors", "--json", json}, out, err);
  return {code, err.str(), code == 0 ? nlohmann::json::parse(scratch.read("show.json")) : nlohmann::json()};
}

}  // namespace

TEST_CASE("show: a finished run and its checkpoint") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_training(small_cifar(scratch, "data", 32, 8), scratch.path("run"));
  o.steps = 2;
  REQUIRE(apps::pretrain(o) == 0);
  const Shown run = shown(scratch, o.run + "/");
  REQUIRE(run.code == 0);
  CHECK(run.json.at("run") == o.run);
  CHECK(run.json.at("state").at("phase") == "finished");
  CHECK(run.json.at("loss").get<double>() > 0);
  CHECK_FALSE(run.json.contains("accuracy"));  // not evaluated yet
  const auto& checkpoint = run.json.at("checkpoint");
  CHECK(checkpoint.at("file") == apps::checkpoints(o.run).front());
  CHECK(checkpoint.at("step") == run.json.at("state").at("steps"));
  CHECK(checkpoint.at("method").get<std::string>().starts_with("SimCLR, NT-Xent, temperature"));
  CHECK(checkpoint.at("encoder").get<std::string>().starts_with(o.arch + " x "));
  CHECK(checkpoint.at("options").at("batch") == std::to_string(o.batch));
  CHECK(checkpoint.at("hash").get<std::string>().size() == 16);
  bool found = false;
  for (const auto& t : checkpoint.at("tensors"))
    found = found || (t.at("name") == "encoder.conv1.weight" && t.at("dtype") == "f32" &&
                      t.at("shape").size() == 4 && t.at("shape")[1] == 3);
  CHECK(found);

  const Shown file = shown(scratch, apps::checkpoints(o.run).front());
  REQUIRE(file.code == 0);
  CHECK(file.json == nlohmann::json{{"checkpoint", checkpoint}});
}

TEST_CASE("show: what is no run or no checkpoint is said in a line") {
  const Scratch scratch;
  const std::string none = scratch.path("none");
  CHECK(shown(scratch, none).err ==
        "dyad show: " + none + ": is not there, expected a run or a checkpoint\n");
  CHECK(shown(scratch, none).code == 65);
  std::filesystem::create_directories(scratch.path("empty"));
  CHECK(shown(scratch, scratch.path("empty")).code == 65);
  const std::string text = scratch.write("a.safetensors", "no checkpoint");
  CHECK(shown(scratch, text).code == 65);
  std::ostringstream out, err;
  CHECK(apps::run_command_line({"show"}, out, err) == 2);
  CHECK(err.str() == "dyad show: expected one run or checkpoint: dyad show RUN|CHECKPOINT\n");
}
