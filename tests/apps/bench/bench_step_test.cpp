// dyad bench step: its rows, and that its step equals a training step. No test depends on a measured time.
#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/bench/timed_steps.h"
#include "apps/cli/cli.h"
#include "apps/run/model.h"
#include "apps/training/train_step.h"
#include "tests/support/busy_cores.h"
#include "tests/support/gaussians.h"
#include "tests/support/scratch.h"

namespace {

const std::vector<std::string> kSmall = {"bench",   "step", "--arch",      "resnet10", "--width", "0.125",
                                         "--batch", "4",    "--size",      "16",       "--lr",    "0.05",
                                         "--seed",  "3",    "--optimizer", "sgd"};

std::vector<std::string> small(const std::vector<std::string>& more) {
  std::vector<std::string> all = kSmall;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

int run(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(arguments, out, err);
  CHECK(err.str() == "");
  return code;
}

// Replaces std::cin and std::cout during its lifetime.
struct Streams {
  std::istringstream in;
  std::ostringstream out;
  std::streambuf *old_in, *old_out;
  explicit Streams(const std::string& lines)
      : in(lines), old_in(std::cin.rdbuf(in.rdbuf())), old_out(std::cout.rdbuf(out.rdbuf())) {}
  ~Streams() {
    std::cin.rdbuf(old_in);
    std::cout.rdbuf(old_out);
  }
};

}  // namespace

TEST_CASE("bench step: a row for each phase, and for the step") {
  const Scratch scratch;
  REQUIRE(run(small({"--steps", "3", "--json", scratch.path("step.json"), "--csv",
                     scratch.path("step.csv")})) == 0);
  const auto result = nlohmann::json::parse(scratch.read("step.json"));
  CHECK(result["images_per_s"] > 0);
  std::vector<std::string> phases;
  double shares = 0;
  for (const auto& row : result["rows"]) {
    phases.push_back(row["phase"]);
    CHECK(row["p5"] <= row["median"]);
    CHECK(row["median"] <= row["p95"]);
    if (row["phase"] != "step") shares += row["share"].get<double>();
  }
  CHECK(phases == std::vector<std::string>{"send", "views", "forward", "loss", "backward", "all_reduce",
                                           "optimizer", "step"});
  CHECK(shares > 0);
  CHECK(shares <= 1 + 1e-9);
  CHECK(result["rows"].back()["share"] == doctest::Approx(1));
  const std::string csv = scratch.read("step.csv");
  CHECK(csv.rfind("phase,p5_s,median_s,p95_s,share\nsend,", 0) == 0);
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 9);
}

TEST_CASE("bench step: --serve returns the losses of a training's steps") {
  Streams streams("go 2\ngo 1\n");
  REQUIRE(run(small({"--serve"})) == 0);
  std::istringstream answers(streams.out.str());
  std::string line;
  std::getline(answers, line);
  CHECK(nlohmann::json::parse(line)["ready"] == true);
  std::vector<double> losses;
  while (std::getline(answers, line)) {
    const auto answer = nlohmann::json::parse(line);
    for (const double loss : answer["value"]) losses.push_back(loss);
    for (const char* phase : {"step", "forward", "loss", "backward", "optimizer"})
      CHECK(answer[phase].size() == answer["value"].size());
  }
  REQUIRE(losses.size() == 3);

  apps::PretrainOptions o;
  o.arch = "resnet10", o.width = 0.125, o.batch = 4, o.size = 16, o.seed = 3, o.optimizer = "sgd",
  o.lr = 0.05;
  apps::resolve(o, true);
  const auto method = apps::make_method(o, engine::cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *optimizer, engine::single(), o.batch);
  const engine::Tensor images({8, 16, 16, 3}, engine::DType::f32, engine::cpu);
  for (std::int64_t i = 0; i < images.numel(); ++i) {  // the noise of scripts/lab/pytorch_step.py
    std::uint32_t h = std::uint32_t(i) * 2654435761u;
    h = (h ^ h >> 15) * 2246822519u;
    images.data<float>()[i] = float(h ^ h >> 13) / 1073741824.0f - 2;
  }
  apps::Phases phases(engine::cpu, true);
  for (const double loss : losses) {
    step.schedule(0.05, 0);
    CHECK(step.launch(images, phases).item() == loss);
  }
}

TEST_CASE("bench busy: a row for each number of neighbours and threads") {
  const Scratch scratch;
  Streams streams("");
  REQUIRE(run({"bench", "busy", "--arch", "resnet10", "--width", "0.125", "--batch", "4", "--size", "16",
               "--steps", "1", "--turns", "2", "--neighbours", "1", "--json", scratch.path("busy.json")}) ==
          0);
  const auto rows = nlohmann::json::parse(scratch.read("busy.json"))["rows"];
  const int threads = omp_get_max_threads();
  REQUIRE(rows.size() == (threads > 1 ? 4 : 2));
  for (const auto& row : rows) {
    CHECK(row["images_per_s"].size() == 2);
    CHECK(row["of_idle"] > 0);
  }
  CHECK(rows.front()["neighbours"] == 0);
  CHECK(rows.front()["threads"] == threads);
  CHECK(rows.back()["neighbours"] == 1);
  CHECK(rows.back()["threads"] == 1);
}

TEST_CASE("a training's losses have the same bits for any number of threads, idle and busy") {
  const auto losses = [](const std::string& dtype, int threads) {
    apps::BenchStepOptions o;
    o.arch = "resnet10", o.width = 0.25, o.batch = 12, o.size = 16, o.dtype = dtype, o.lr = 0.1;
    apps::resolve(o, true);
    std::vector<double> values;
    with_threads(threads, [&] {
      apps::StepOnNoise step(o, engine::single(), engine::shard(o.batch, 0, 1), engine::cpu);
      values = apps::time_steps(3, engine::cpu, [&](apps::Phases& p) { return step(p); }).losses;
    });
    return values;
  };
  for (const std::string dtype : {"f32", "bf16"}) {
    const std::vector<double> one = losses(dtype, 1);
    CHECK(one.front() != one.back());
    for (const int threads : {2, 3, 5}) CHECK(losses(dtype, threads) == one);
    const BusyCores others;
    for (const int threads : {2, 3}) CHECK(losses(dtype, threads) == one);
  }
}
