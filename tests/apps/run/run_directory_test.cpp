// The folder of a run, and its end by a signal.
#include "apps/run/run_directory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/options/config.h"
#include "apps/run/checkpoint.h"
#include "apps/system/signals.h"
#include "engine/error.h"

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {(std::istreambuf_iterator<char>(file)), {}};
}

struct Options : apps::PretrainOptions {
  Options() {
    data = "photos";
    run = std::filesystem::temp_directory_path() / "dyad_run_directory_test";
    std::filesystem::remove_all(run);
    apps::resolve(*this, true);
  }
  ~Options() { std::filesystem::remove_all(run); }
};

apps::StepRecord step(long number) {
  return {.step = number,
          .epoch = double(number) / 10,
          .loss = 5.0 / double(number),
          .lr = 0.1,
          .pairs_per_s = 100,
          .data_wait = 0.25,
          .phases = {{"views", 1.5}, {"forward", 2.5}},
          .more = {{"gradient_norm", 3}}};
}

TEST_CASE("run directory: the files of a run") {
  const Options o;
  {
    apps::RunDirectory run(o, 0);
    for (long i = 1; i <= 3; ++i) run.record(step(i));
    run.log("a line");
    run.sync();
  }
  const auto env = nlohmann::json::parse(text_of(o.run + "/env.json"));
  for (const char* key :
       {"version", "revision", "compiled_for", "command", "device", "cpu", "libraries", "started"})
    CHECK(env.contains(key));
  CHECK(env.at("cpu").at("cores").get<int>() >= 1);
  CHECK(text_of(o.run + "/train.log").find("  a line\n") != std::string::npos);
  CHECK(std::filesystem::is_directory(o.run + "/checkpoints"));

  apps::PretrainOptions given = o, back = apps::read_run_options(o.run);
  CHECK(apps::config_text("pretrain", apps::fields(back)) ==
        apps::config_text("pretrain", apps::fields(given)));

  const auto line = nlohmann::json::parse(
      text_of(o.run + "/metrics.jsonl").substr(0, text_of(o.run + "/metrics.jsonl").find('\n')));
  for (const char* key : {"step", "epoch", "loss", "lr", "pairs_per_s", "data_wait", "gradient_norm"})
    CHECK(line.contains(key));
  CHECK(line.at("phases_ms").at("forward") == 2.5);
  const auto records = apps::read_metrics(o.run);
  REQUIRE(records.size() == 3);
  CHECK(records[2].step == 3);
  CHECK(records[1].loss == 2.5);
  CHECK(records[0].phases == step(1).phases);

  const auto used = nlohmann::json::parse(
      text_of(o.run + "/usage.jsonl").substr(0, text_of(o.run + "/usage.jsonl").find('\n')));
  CHECK(used.at("step") == 1);
  CHECK(used.at("rss_mb").get<double>() > 1);
  CHECK(used.at("tensors_mb").get<double>() >= 0);
  CHECK(used.at("cpu_cores").get<double>() >= 0);
}

TEST_CASE("run directory: resuming drops the lines after the checkpoint") {
  const Options o;
  {
    apps::RunDirectory run(o, 0);
    for (long i = 1; i <= 5; ++i) run.record(step(i));
  }
  std::ofstream(o.run + "/metrics.jsonl", std::ios::app)
      << "{\"step\": 6, \"lo";  // cut off, as after a power failure
  CHECK(apps::read_metrics(o.run).size() == 5);
  {
    apps::RunDirectory run(o, 3);
    run.record(step(4));
  }
  const auto records = apps::read_metrics(o.run);
  REQUIRE(records.size() == 4);
  CHECK(records[3].step == 4);
  std::ofstream(o.run + "/metrics.jsonl", std::ios::app) << "nonsense\n"
                                                         << "{\"step\": 6}\n";
  CHECK_THROWS_WITH_AS(apps::read_metrics(o.run), doctest::Contains("metrics.jsonl line 5: "),
                       engine::DataError);
  { apps::RunDirectory run(o, 9); }
  CHECK(apps::read_metrics(o.run).size() == 4);
}

TEST_CASE("run directory: values that aren't finite") {
  const Options o;
  apps::RunDirectory run(o, 0);
  apps::StepRecord r = step(1);
  r.loss = std::nan("");
  run.record(r);
  const auto records = apps::read_metrics(o.run);
  REQUIRE(records.size() == 1);
  CHECK(std::isnan(records[0].loss));
}

TEST_CASE("run directory: a run is neither overwritten nor shared") {
  const Options o;
  {
    const apps::RunDirectory run(o, 0);
    CHECK_THROWS_WITH_AS(apps::RunDirectory(o, 0), doctest::Contains("another process"), engine::UsageError);
  }
  { const apps::RunDirectory run(o, 0); }  // no checkpoint yet: may be overwritten
  std::ofstream(apps::checkpoint_path(o.run, 1)) << "x";
  CHECK_THROWS_WITH_AS(apps::RunDirectory(o, 0), doctest::Contains("--resume auto"), engine::UsageError);
  CHECK_THROWS_AS(apps::read_run_options(o.run + "/none"), engine::UsageError);
}

TEST_CASE("signals: caught during the lifetime of a listener, with their exit code") {
  {
    const apps::StopSignals signals;
    CHECK_FALSE(signals.stop());
    CHECK(signals.exit_code() == 0);
    std::raise(SIGTERM);
    CHECK(signals.stop());
    CHECK(signals.exit_code() == 75);
    CHECK(std::string(signals.name()) == "SIGTERM");
    std::raise(SIGUSR1);
    CHECK(signals.exit_code() == 75);
    std::raise(SIGINT);
    CHECK(signals.exit_code() == 130);
  }
  const apps::StopSignals signals;
  CHECK_FALSE(signals.stop());  // a new listener has seen no signal
  std::raise(SIGHUP);
  CHECK(std::string(signals.name()) == "SIGHUP");
  CHECK(signals.exit_code() == 75);
  // a Ctrl-C that comes twice at once, to the process and to its group, is one
  std::raise(SIGINT);
  std::raise(SIGINT);
  CHECK(signals.exit_code() == 130);
}

}  // namespace
