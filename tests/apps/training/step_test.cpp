// A warm training step can be captured as a CUDA graph: it makes the same launches and copies with the same
// arguments as the step before, and never waits for the device. A few steps reduce the loss.
#include <doctest/doctest.h>

#include <optional>

#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "apps/training/train_step.h"
#include "apps/watching/non_finite_search.h"
#include "data/view_batch.h"
#include "engine/memory/host_wait.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "kernels/base/launch_log.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_training.h"

using namespace engine;

namespace {

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

// A method with a schedule, and with a state of its own: the number of its steps.
class Counting final : public models::Method {
 public:
  explicit Counting(const models::MethodConfig& c)
      : Method(c, cpu), branch_(parameters.build<models::Branch>(c.branch)) {}
  Tensor loss(const models::Views& views, const models::Pass& pass) override {
    calls.push_back("loss of " + std::to_string(views.pairs) + " pairs");
    return nt_xent(branch_(views.images, pass), tau_, pass.communicator, views.pairs);
  }
  void before_step(double done) override { calls.push_back("before, done " + std::to_string(done)); }
  void after_step() override {
    calls.emplace_back("after");
    steps.data<float>()[0] += 1;
  }
  const models::Branch& branch() const override { return branch_; }
  NamedTensors state() const override { return {{"method.steps", steps}}; }

  std::vector<std::string> calls;
  const Tensor steps = zeros({1}, DType::f32, cpu);

 private:
  const models::Branch branch_;
  const Tensor tau_ = full({1}, 0.5, DType::f32, cpu);
};

}  // namespace

// The copies and launches of a warm step, inside a NoHostWait.
TEST_CASE("two warm steps launch the same kernels with the same addresses and scalars, and never wait") {
  const auto dataset = data::open_dataset("data/samples", data::Split::train);
  const data::Resident resident(*dataset, cpu, 1);
  for (const char* optimizer : {"sgd", "adamw", "lars"})
    for (const bool is_resident : {false, true}) {
      INFO(optimizer, is_resident ? ", pixels are there" : ", pixels are sent");
      const apps::PretrainOptions o = tiny_step("simclr", optimizer);
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
  apps::PretrainOptions o = tiny_step("simclr", "sgd");
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

TEST_CASE("a method's hooks are called around the step, and its state is kept with the optimizer's") {
  const apps::PretrainOptions o = tiny_step("simclr", "sgd");
  models::MethodConfig config;
  config.branch.encoder = apps::encoder_config(o);
  config.branch.projection.out = 16;
  Counting method(config);
  const auto optimizer = apps::make_optimizer(o, method.parameters);
  apps::TrainStep step(method, *optimizer, single(), o.batch);
  apps::Rewind rewind(method.parameters, step.state());
  rewind.keep(0);
  step.schedule(0.05, 0.5);
  Phases phases(cpu, false);
  step.launch(images(o.batch, o.size), phases);
  CHECK(method.calls == std::vector<std::string>{"before, done 0.500000", "loss of 8 pairs", "after"});

  const NamedTensors state = step.state();
  REQUIRE(state.size() == 2);
  CHECK(state[0].first == "optimizer.momentum");
  CHECK(state[1].first == "method.steps");
  CHECK(state[1].second.item() == 1);

  const Scratch scratch;
  const std::string path = scratch.path("checkpoint");
  apps::save_checkpoint(path, o, method.parameters, state, {1});
  CHECK(rewind.back(0) == 0);
  CHECK(method.steps.item() == 0);
  CHECK(apps::load_checkpoint(apps::Checkpoint(path), o, method.parameters, step.state()) == 1);
  CHECK(method.steps.item() == 1);
}
