// A warm training step repeats itself: the same launches with the same arguments, so that it can be captured
// as a CUDA graph; and a few steps learn.
#include <doctest/doctest.h>

#include "apps/train_step.h"
#include "engine/random.h"
#include "kernels/launch_log.h"

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

// Pairs that are noisy copies of each other.
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

TEST_CASE("two warm steps launch the same kernels with the same addresses and scalars") {
  for (const char* optimizer : {"sgd", "adamw", "lars"}) {
    INFO(optimizer);
    const apps::PretrainOptions o = small(optimizer);
    const apps::Model model(o, cpu);
    const auto update = apps::make_optimizer(o, model.parameters);
    apps::TrainStep step(model, *update, single(), o.batch);
    const Tensor source = images(o.batch, o.size), tau = full({1}, o.tau, DType::f32, cpu);
    apps::Phases phases(cpu, false);
    kernels::LaunchLog logs[4];
    for (int i = 0; i < 4; ++i) {
      kernels::launch_log() = &logs[i];
      const Tensor batch = source.clone();  // as a batch of views is: new every step
      step(batch, tau, 0.01 * (i + 1), phases);
      kernels::launch_log() = nullptr;
    }
    CHECK(logs[3].entries.size() > 50);
    REQUIRE(logs[2].entries.size() == logs[3].entries.size());
    for (std::size_t i = 0; i < logs[2].entries.size(); ++i) {
      INFO("launch ", i, " by ", logs[2].entries[i].launcher);
      REQUIRE(logs[2].entries[i] == logs[3].entries[i]);
    }
  }
}

TEST_CASE("a few steps bring the loss well below chance") {
  apps::PretrainOptions o = small("sgd");
  const apps::Model model(o, cpu);
  const auto update = apps::make_optimizer(o, model.parameters);
  apps::TrainStep step(model, *update, single(), o.batch);
  const Tensor batch = images(o.batch, o.size), tau = full({1}, o.tau, DType::f32, cpu);
  apps::Phases phases(cpu, false);
  double first = 0, last = 0;
  for (int i = 0; i < 12; ++i) {
    last = step(batch, tau, 0.05, phases).item();
    if (i == 0) first = last;
  }
  CHECK(last < 0.5 * first);
}
