// The estimates made before a training: memory, time, and what the stem costs.
#include "apps/planning/memory_need.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "apps/cli/commands.h"
#include "apps/planning/dry_run.h"
#include "apps/planning/stem_choice.h"
#include "apps/run/model.h"
#include "apps/system/duration.h"
#include "apps/system/exit_code.h"
#include "tests/support/small_cifar.h"

namespace {

apps::PretrainOptions sized(const Scratch& scratch, const std::string& arch, const std::string& stem,
                            double width, int size, int batch) {
  apps::PretrainOptions o;
  o.data = scratch.path("images");
  o.run = scratch.path("run-" + arch + stem);
  o.arch = arch;
  o.stem = stem;
  o.width = width;
  o.size = size;
  o.batch = batch;
  o.out_dim = 16;
  o.steps = 2;
  o.threads = 1;
  return o;
}

TEST_CASE("memory: the estimate is that of a training, to a quarter") {
  const Scratch scratch;
  small_cifar(scratch, "images", 96, 10);
  for (apps::PretrainOptions o : {sized(scratch, "resnet10", "cifar", 0.25, 32, 80),
                                  sized(scratch, "resnet18", "imagenet", 0.25, 96, 24),
                                  sized(scratch, "resnet50", "imagenet", 0.125, 160, 12)}) {
    CAPTURE(o.arch);
    const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
    apps::resolve(o, dataset->kind());
    apps::MemoryNeed need;
    {
      const auto method = apps::make_method(o, engine::cpu);
      need = apps::memory_need(o, *dataset, *method, 1);
    }
    const double before = double(engine::memory_use(engine::cpu).now);
    engine::reset_peak_memory(engine::cpu);
    REQUIRE(apps::pretrain(o) == apps::kOk);
    const double peak = double(engine::memory_use(engine::cpu).peak) - before;
    const double tensors = need.device() - need.held;
    CAPTURE(peak);
    CAPTURE(tensors);
    CHECK(tensors > 0.75 * peak);
    CHECK(tensors < 1.25 * peak);
  }
}

TEST_CASE("memory: ranks share the batch, not the weights") {
  const Scratch scratch;
  small_cifar(scratch, "images", 96, 10);
  apps::PretrainOptions o = sized(scratch, "resnet10", "cifar", 0.125, 16, 80);
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  apps::resolve(o, dataset->kind());
  const auto method = apps::make_method(o, engine::cpu);
  const auto one = apps::memory_need(o, *dataset, *method, 1),
             two = apps::memory_need(o, *dataset, *method, 2);
  CHECK(two.parameters == one.parameters);
  CHECK(two.activations <= one.activations);
  CHECK(two.images < one.images);
}

TEST_CASE("memory: a training that can't fit is refused before anything is written, unless it is forced") {
  const apps::MemoryNeed much{.program = 1e8, .activations = 1e18};
  const auto verdict = apps::compare_with_free(much, engine::cpu, 1);
  CHECK_FALSE(verdict.fits);
  CHECK(verdict.text.find("memory: about 1000000000 GB, and ") == 0);
  CHECK_THROWS_AS(apps::require_memory(verdict, false), engine::UsageError);
  CHECK_NOTHROW(apps::require_memory(verdict, true));
  const apps::MemoryNeed little{.program = 1e6};
  CHECK(apps::compare_with_free(little, engine::cpu, 1).fits);
  const auto ranks = apps::compare_with_free({.activations = 1e15}, engine::cpu, 4);
  CHECK_FALSE(ranks.fits);
  CHECK(ranks.text.find("about 4000000 GB for the 4 ranks of this machine") != std::string::npos);
  const auto photographs = apps::compare_with_free({.images = 1e15, .shrink = 448}, engine::cpu, 1);
  CHECK(photographs.remedy.find("try --shrink 448, which") != std::string::npos);
  CHECK(apps::compare_with_free({.images = 1e15}, engine::cpu, 1).remedy.find("shrink") == std::string::npos);
  CHECK(apps::bytes_text(512e6) == "512 MB");
  CHECK(apps::bytes_text(1.254e9) == "1.25 GB");
  CHECK(apps::bytes_text(661.6e9) == "662 GB");

  const Scratch scratch;
  small_cifar(scratch, "images", 4000, 10);
  const apps::PretrainOptions o = sized(scratch, "resnet10", "cifar", 0.25, 1024, 4000);  // terabytes
  CHECK_THROWS_AS(apps::pretrain(o), engine::UsageError);
  CHECK_FALSE(std::filesystem::exists(o.run));
}

TEST_CASE("dry run: memory and time; tensors only with --verbose") {
  const Scratch scratch;
  small_cifar(scratch, "images", 64, 10);
  apps::PretrainOptions o = sized(scratch, "resnet10", "auto", 0.0625, 32, 16);
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  apps::resolve(o, dataset->kind());
  const apps::Plan plan(o, *dataset, o.data);
  const auto text = [&] {
    std::ostringstream out;
    const auto method = apps::make_method(o, engine::cpu);
    apps::dry_run(out, o, plan, *dataset, *method, "", 1, 0);
    return out.str();
  };
  const std::string brief = text();
  CHECK(brief.find("memory, about: activations ") != std::string::npos);
  CHECK(brief.find(" are free\n") != std::string::npos);
  CHECK(brief.find("\ntime: about ") != std::string::npos);
  CHECK(brief.find("measured on steps of 16 pairs\n") != std::string::npos);
  CHECK(brief.find("encoder.conv1.weight") == std::string::npos);
  o.verbose = true;
  CHECK(text().find("  encoder.conv1.weight (") != std::string::npos);
}

TEST_CASE("the stem that was chosen, and what the other one costs") {
  apps::PretrainOptions given;
  const auto choice = [&](const std::string& arch, int size) {
    given.arch = arch;
    given.size = size;
    apps::PretrainOptions resolved = given;
    apps::resolve(resolved, false);
    return apps::stem_choice(given, resolved);
  };
  CHECK(choice("resnet18", 64) ==
        "stem: cifar, chosen by --size 64; --stem imagenet: 0.067 times the arithmetic");
  CHECK(choice("resnet18", 96) ==
        "stem: imagenet, chosen by --size 96; --stem cifar: 15 times the arithmetic");
  given.stem = "cifar";
  CHECK(choice("resnet18", 64).empty());

  apps::PretrainOptions o;  // the figures of torchvision's documentation
  o.size = 224, o.stem = "imagenet", o.arch = "resnet50";
  CHECK(apps::multiply_adds(o) == doctest::Approx(4.09e9).epsilon(0.01));
  o.arch = "resnet18";
  CHECK(apps::multiply_adds(o) == doctest::Approx(1.81e9).epsilon(0.01));
}

TEST_CASE("durations, roughly") {
  CHECK(apps::rough_duration(0.4) == "1 s");
  CHECK(apps::rough_duration(48) == "48 s");
  CHECK(apps::rough_duration(125) == "2 min");
  CHECK(apps::rough_duration(59 * 60 + 45) == "1 h");
  CHECK(apps::rough_duration(12'010) == "3 h 20 min");
  CHECK(apps::rough_duration(4 * 86'400 + 5 * 3600) == "4 d 5 h");
  CHECK(apps::rough_duration(86'400 - 1) == "1 d");
}

}  // namespace
