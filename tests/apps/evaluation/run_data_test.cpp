// Evaluations without --data use the images of the run; `dyad finetune` has its floor by default.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.h"
#include "apps/system/exit_code.h"
#include "engine/error.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

namespace {

TEST_CASE("evaluations without --data use the images of the run") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_training(small_cifar(scratch, "images", 64, 20), scratch.path("run"));
  o.steps = 1;
  REQUIRE(apps::pretrain(o) == apps::kOk);

  const auto result = [&](const std::string& name) {
    return nlohmann::json::parse(scratch.read("run/" + name + ".json"));
  };
  apps::KnnOptions knn;
  knn.run = o.run;
  knn.k = 5;
  REQUIRE(apps::knn(knn) == apps::kOk);
  CHECK(result("knn").at("train") == 64);
  CHECK(result("knn").at("test") == 20);

  knn.data = small_cifar(scratch, "others", 32, 10);  // a given one wins
  REQUIRE(apps::knn(knn) == apps::kOk);
  CHECK(result("knn").at("train") == 32);

  apps::FinetuneOptions tuning;
  tuning.run = o.run;
  tuning.epochs = 1;
  REQUIRE(apps::finetune(tuning) == apps::kOk);
  CHECK(result("finetune100").at("top1").contains("untrained"));
  tuning.no_floors = true;
  REQUIRE(apps::finetune(tuning) == apps::kOk);
  CHECK_FALSE(result("finetune100").at("top1").contains("untrained"));

  std::filesystem::rename(o.data, scratch.path("moved"));
  knn.data.clear();
  CHECK_THROWS_WITH_AS(apps::knn(knn),
                       (o.data + ": is not there; the path is that of " + o.run +
                        "/config.toml, where the training has found its images: name them with --data")
                           .c_str(),
                       engine::DataError);
  knn.data = scratch.path("moved");
  CHECK(apps::knn(knn) == apps::kOk);
}

}  // namespace
