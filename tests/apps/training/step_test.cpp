// A warm training step can be captured as a CUDA graph: it makes the same launches and copies with the same
// arguments as the step before, and never waits for the device. A few steps reduce the loss.
#include <doctest/doctest.h>

#include <optional>

#include "apps/run/model.h"
#include "apps/training/train_step.h"
#include "data/view_batch.h"
#include "engine/memory/host_wait.h"
#include "engine/random.h"
#include "kernels/base/launch_log.h"

using namespace engine;

namespace {

apps::PretrainOptions small(const std::string& optimizer) {
  apps::PretrainOptions o;
  o.arch = "resnet10";
  o.width = 0.125;
  o.out_dim = 16;
  o.batch = 8;
  o.size = 16;
  o.tau = 0.2;
  o.optimizer = optimizer;
  apps::resolve(o, true);
  return o;
}

// Pairs of images that are noisy copies of each other.
Tensor images(int pairs, int size) {
  Random random(5);
  const Shape one{pairs, size, size, 3};
  std::vector<double> values;
  for (std::int64_t i = 0; i < one.numel(); ++i) values.push_back(random.uniform(-1, 1));
  for (std::int64_t i = 0; i < one.numel(); ++i)
    values.push_back(values[std::size_t(i)] + 0.3 * random.uniform(-1, 1));
  return from_vector({2 * pairs, size, size, 3}, values, DType::f32);
}

}  // namespace

// The copies and launches of a warm step, inside a NoHostWait.
TEST_CASE("two warm steps launch the same kernels with the same addresses and scalars, and never wait") {
  const auto dataset = data::open_dataset("data/samples", data::Split::train);
  const data::Resident resident(*dataset, cpu, 1);
  for (const char* optimizer : {"sgd", "adamw", "lars"})
    for (const bool is_resident : {false, true}) {
      INFO(optimizer, is_resident ? ", pixels are there" : ", pixels are sent");
      const apps::PretrainOptions o = small(optimizer);
      data::Loader loader(*dataset, {.batch = o.batch, .threads = 1, .pixels = !is_resident});
      data::ViewBatches views(data::view_recipe("simclr-cifar"), 2, o.size, o.seed, cpu, DType::f32,
                              is_resident ? &resident : nullptr);
      const auto method = apps::make_method(o, cpu);
      const auto update = apps::make_optimizer(o, method->parameters);
      apps::TrainStep step(*method, *update, single(), o.batch);
      apps::Phases phases(cpu, false);
      LateScalar late(cpu);
      data::Batch batch;
      kernels::LaunchLog sent[6], launched[6];
      for (int i = 0; i < 6; ++i) {
        loader.next(batch);
        std::optional<NoHostWait> none;
        if (i > 1) none.emplace();
        kernels::launch_log() = &sent[i];
        views.stage(batch);
        step.schedule(0.01 * (i + 1), i / 6.0);
        kernels::launch_log() = &launched[i];
        const Tensor loss = step.launch(views.make(), phases);
        late.start(loss);
        kernels::launch_log() = nullptr;
        if (i > 1) CHECK_THROWS_AS(loss.item(), std::logic_error);
      }
      CHECK(launched[5].entries.size() > 50);
      REQUIRE(launched[4].entries.size() == launched[5].entries.size());
      for (std::size_t i = 0; i < launched[4].entries.size(); ++i) {
        INFO("launch ", i, " by ", launched[4].entries[i].launcher);
        REQUIRE(launched[4].entries[i] == launched[5].entries[i]);
      }
      // the learning rate and the views go to fixed addresses; pixels alternate between the ring's two slots
      CHECK(sent[5].entries.size() == (is_resident ? 2 : 7));
      CHECK(sent[3].entries == sent[5].entries);
      CHECK((sent[4].entries == sent[5].entries) == is_resident);
    }
}

TEST_CASE("a few steps bring the loss well below chance") {
  apps::PretrainOptions o = small("sgd");
  const auto method = apps::make_method(o, cpu);
  const auto update = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *update, single(), o.batch);
  const Tensor batch = images(o.batch, o.size);
  apps::Phases phases(cpu, false);
  double first = 0, last = 0;
  for (int i = 0; i < 12; ++i) {
    step.schedule(0.05, i / 12.0);
    last = step.launch(batch, phases).item();
    if (i == 0) first = last;
  }
  CHECK(last < 0.5 * first);
}
