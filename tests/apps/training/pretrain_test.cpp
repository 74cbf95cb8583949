// dyad pretrain end to end, on a small model: the same seed gives the same bytes, for any number of loader
// threads, and after a stop and a resume.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/cli/commands.h"
#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_state.h"
#include "apps/system/exit_code.h"

namespace fs = std::filesystem;

namespace {

struct Folder {  // for the runs of one test
  fs::path path = fs::temp_directory_path() / ("dyad-pretrain-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

apps::PretrainOptions small(const fs::path& run) {
  apps::PretrainOptions o;
  o.data = "data/samples";
  o.run = run;
  o.arch = "resnet10";
  o.width = 0.125;
  o.out_dim = 16;
  o.batch = 32;
  o.steps = 8;
  o.epochs = 1;
  o.optimizer = "lars";
  return o;
}

std::string bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string final_checkpoint(const apps::PretrainOptions& o) {
  return bytes(apps::checkpoint_path(o.run, o.steps));
}

}  // namespace

TEST_CASE(
    "the same seed gives the same checkpoint, byte for byte, with 0, 1 and 4 loader threads and resident "
    "pixels") {
  const Folder folder;
  std::string first;
  for (int threads : {0, 1, 4}) {
    auto o = small(folder.path / ("threads" + std::to_string(threads)));
    o.threads = threads;
    REQUIRE(apps::pretrain(o) == apps::kOk);
    if (first.empty()) first = final_checkpoint(o);
    CHECK(final_checkpoint(o) == first);
  }
  auto resident = small(folder.path / "resident");
  resident.resident = "on";
  REQUIRE(apps::pretrain(resident) == apps::kOk);
  CHECK(final_checkpoint(resident) == first);
  auto other = small(folder.path / "seed");
  other.seed = 1;
  REQUIRE(apps::pretrain(other) == apps::kOk);
  CHECK(final_checkpoint(other) != first);
}

TEST_CASE("stopped by Ctrl-C and resumed: the same bytes, and one line of metrics per step") {
  const Folder folder;
  auto whole = small(folder.path / "whole"), parts = small(folder.path / "parts");
  whole.steps = parts.steps = 40;
  REQUIRE(apps::pretrain(whole) == apps::kOk);

  std::thread keyboard([&] {  // after the first steps
    const fs::path metrics = fs::path(parts.run) / "metrics.jsonl";
    for (int i = 0; i < 3000 && (!fs::exists(metrics) || fs::file_size(metrics) == 0); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    kill(getpid(), SIGINT);
  });
  const int code = apps::pretrain(parts);
  keyboard.join();
  REQUIRE(code == apps::kInterrupted);
  REQUIRE(apps::checkpoints(parts.run).size() == 1);
  REQUIRE_FALSE(fs::exists(apps::checkpoint_path(parts.run, parts.steps)));
  CHECK(bytes(fs::path(parts.run) / "report.html").find("of 40 (epoch") != std::string::npos);
  CHECK(apps::read_state(parts.run)->phase == "stopped");
  CHECK(apps::read_state(parts.run)->reason == "Ctrl-C");

  parts.resume = "auto";
  REQUIRE(apps::pretrain(parts) == apps::kOk);
  CHECK(final_checkpoint(parts) == final_checkpoint(whole));
  const auto a = apps::read_metrics(parts.run), b = apps::read_metrics(whole.run);
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].step == long(i + 1));
    CHECK(a[i].loss == b[i].loss);
  }
}

TEST_CASE("a batch larger than the data set is refused before anything is written") {
  const Folder folder;
  auto o = small(folder.path / "large");
  o.batch = 8192;
  CHECK_THROWS_WITH(apps::pretrain(o),
                    "--batch is 8192, but data/samples has 5,000 images: expected --batch 5000 or less");
  CHECK_FALSE(fs::exists(o.run));
}

TEST_CASE("an image that can't be decoded: training stops and names it, or skips and counts it") {
  const Folder folder;
  for (int i = 0; i < 40; ++i) {
    const fs::path file = folder.path / "images/a" / (std::to_string(100 + i) + ".ppm");
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << "P6 8 8 255\n" << std::string(i == 7 ? 50 : 192, char(3 * i));
  }
  const std::string bad = (folder.path / "images/a/107.ppm").string() +
                          ": PNM of 61 bytes: ends early, expected "
                          "at least 203";
  auto o = small(folder.path / "skipped");
  o.data = folder.path / "images";
  o.size = 16;
  o.batch = 8;
  o.steps = 10;  // two epochs
  o.json = folder.path / "result.json";
  o.bad_images = "skip";
  REQUIRE(apps::pretrain(o) == apps::kOk);
  const auto result = nlohmann::json::parse(bytes(o.json));
  CHECK(result["skipped"] == 2);
  const std::string log = bytes(fs::path(o.run) / "train.log");
  CHECK(log.find("skipped " + bad + "; another image comes in its place") != std::string::npos);
  CHECK(log.find("1 image could not be decoded; others came in their place 2 times") != std::string::npos);

  o.run = folder.path / "stopped";
  o.bad_images = "stop";
  CHECK_THROWS_WITH(
      apps::pretrain(o),
      (bad + "; dyad data check lists all such images, --bad-images skip trains without them").c_str());
  CHECK(apps::checkpoints(o.run).empty());
}

TEST_CASE("each kind of negatives trains, and continues to the same bytes, of each method that has it") {
  const Folder folder;
  for (const char* method : {"simclr", "moco2", "moco3"})
    for (const char* kind : {"decoupled", "dclw", "debiased", "hard", "eqco"}) {
      CAPTURE(method);
      CAPTURE(kind);
      auto o = small(folder.path / (std::string(method) + kind));
      o.method = method, o.negatives = kind, o.width = 0.0625, o.batch = 16, o.queue = 32, o.steps = 2;
      if (o.negatives == "dclw" && o.method != "simclr") {
        CHECK_THROWS_AS(apps::pretrain(o), engine::UsageError);
        continue;
      }
      o.save_every = "1";
      REQUIRE(apps::pretrain(o) == apps::kOk);
      const std::string whole = final_checkpoint(o);
      fs::remove(apps::checkpoint_path(o.run, 2));
      o.resume = "auto";
      REQUIRE(apps::pretrain(o) == apps::kOk);
      CHECK(final_checkpoint(o) == whole);
    }
}
