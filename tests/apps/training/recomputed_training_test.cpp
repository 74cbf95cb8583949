// --recompute: less memory, the same bytes.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "apps/planning/memory_need.h"
#include "apps/run/model.h"
#include "apps/training/train_step.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "tests/support/ranks.h"
#include "tests/support/scratch.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

using engine::Tensor;
using models::Recompute;

namespace {

// Rows first to first + count of both views of noisy images.
Tensor views(const engine::Shard& pairs, int size, engine::DType dtype) {
  std::vector<double> values;
  for (const std::uint32_t view : {0u, 1u})
    for (std::int64_t i = pairs.first; i < pairs.first + pairs.count; ++i) {
      engine::Random image(5, 0, std::uint32_t(i), 0), noise(6, view, std::uint32_t(i), 0);
      for (int e = 0; e < size * size * 3; ++e)
        values.push_back(image.uniform(-1, 1) + 0.3 * noise.uniform(-1, 1));
    }
  return engine::from_vector({2 * pairs.count, size, size, 3}, values, dtype);
}

using Values = std::vector<std::vector<double>>;

// Parameters and running statistics after five steps of rank 0.
Values trained(const apps::PretrainOptions& o, int ranks, Recompute what) {
  Values values;
  on_ranks(ranks, [&](engine::Communicator& comm) {
    const auto method = apps::make_method(o, engine::cpu);
    method->start();
    const auto optimizer = apps::make_optimizer(o, method->parameters);
    apps::TrainStep step(*method, *optimizer, comm, o.batch, apps::bucket_bytes(o), what);
    const Tensor images =
        views(engine::shard(o.batch, comm.rank(), comm.size()), o.size, engine::parse_dtype(o.dtype));
    apps::Phases phases(engine::cpu, false);
    for (int i = 0; i < 5; ++i) {
      step.schedule(0.05, 0.1 * i);
      step.launch(images, phases);
    }
    if (comm.rank() != 0) return;
    for (const auto& p : method->parameters.list()) values.push_back(p.value.to_vector());
    for (const auto& [name, tensor] : step.state()) values.push_back(tensor.to_vector());
  });
  return values;
}

double peak_of_step(const apps::PretrainOptions& o, Recompute what) {
  const auto method = apps::make_method(o, engine::cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *optimizer, engine::single(), o.batch, apps::bucket_bytes(o), what);
  const Tensor images = views({0, o.batch}, o.size, engine::DType::f32);
  apps::Phases phases(engine::cpu, false);
  step.schedule(0.05, 0);
  const double before = double(engine::memory_use(engine::cpu).now);
  engine::reset_peak_memory(engine::cpu);
  step.launch(images, phases);
  return double(engine::memory_use(engine::cpu).peak) - before;
}

}  // namespace

TEST_CASE("recompute: every mode gives the bytes of none, in each type and with several ranks") {
  for (const char* method : {"simclr", "byol"})
    for (const char* dtype : {"f32", "bf16", "f64"})
      for (const int ranks : {1, 3}) {
        apps::PretrainOptions o = tiny_step(method);
        o.dtype = dtype;
        o.batch = 7;
        const Values expected = trained(o, ranks, Recompute::none);
        for (const Recompute what : {Recompute::norm, Recompute::block, Recompute::stage}) {
          CAPTURE(method);
          CAPTURE(dtype);
          CAPTURE(ranks);
          CAPTURE(int(what));
          CHECK(trained(o, ranks, what) == expected);
        }
      }
}

TEST_CASE("recompute: bottlenecks, and the stem with a pool") {
  apps::PretrainOptions o = tiny_step("moco2");
  o.arch = "resnet50";
  o.stem = "imagenet";
  o.size = 32;
  o.queue = 16;
  const Values expected = trained(o, 1, Recompute::none);
  for (const Recompute what : {Recompute::norm, Recompute::block, Recompute::stage}) {
    CAPTURE(int(what));
    CHECK(trained(o, 1, what) == expected);
  }
}

TEST_CASE("recompute: each mode needs less memory than the one before") {
  apps::PretrainOptions o = tiny_step("simclr");
  o.arch = "resnet18";
  o.width = 0.25;
  o.size = 32;
  o.batch = 32;
  const double none = peak_of_step(o, Recompute::none), norm = peak_of_step(o, Recompute::norm),
               block = peak_of_step(o, Recompute::block), stage = peak_of_step(o, Recompute::stage);
  CAPTURE(none);
  CAPTURE(norm);
  CAPTURE(block);
  CAPTURE(stage);
  CHECK(norm < 0.65 * none);
  CHECK(block < 0.5 * none);
  CHECK(stage <= block);
}

TEST_CASE("recompute: auto takes the first mode that fits") {
  const Scratch scratch;
  small_cifar(scratch, "images", 4000, 10);
  apps::PretrainOptions o = tiny_step("simclr");
  o.data = scratch.path("images");
  o.arch = "resnet18";
  o.size = 64;
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  const auto method = apps::make_method(o, engine::cpu);
  CHECK(apps::memory_plan(o, *dataset, *method, 1, 1).recompute == "none");
  o.recompute = "block";
  CHECK(apps::memory_plan(o, *dataset, *method, 1, 1).recompute == "block");
  o.recompute = "auto";
  const auto need = [&](const char* mode) {
    apps::PretrainOptions with = o;
    with.recompute = mode;
    return apps::memory_need(with, *dataset, *method, 1).device();
  };
  const double free = apps::compare_with_free({}, engine::cpu, 1).free;
  // a batch whose need without recomputation is a little more than what is free, and twice what is free
  const double a_pair = (need("none") - need("block")) / o.batch;
  CHECK(a_pair > 0);
  o.batch = 4096;
  const double none = need("none"), norm = need("norm"), stage = need("stage");
  CHECK(none > norm);
  CHECK(norm > stage);
  o.batch = int(4096 * 1.2 * free / none);
  if (o.batch <= 65536) CHECK(apps::memory_plan(o, *dataset, *method, 1, 1).recompute == "norm");
  o.batch = int(4096 * 1.5 * free / stage);
  const auto plan = apps::memory_plan(o, *dataset, *method, 1, 1);
  CHECK(plan.recompute == "stage");
  CHECK_FALSE(plan.verdict.fits);
  CHECK(plan.verdict.remedy.find("--recompute stage fits --batch ") == 0);
}
