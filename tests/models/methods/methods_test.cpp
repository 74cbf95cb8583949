// The method that docs/adding_a_method.md adds, built from the page's own text. It keeps the rules of the
// interface, its loss falls in the program's own step, and the commands take it.
#include <doctest/doctest.h>

#include <mutex>
#include <optional>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/training/train_step.h"
#include "engine/memory/host_wait.h"
#include "engine/random.h"
#include "kernels/base/launch_log.h"
#include "tests/support/ranks.h"
#include "tests/support/small_cifar.h"

using namespace engine;

namespace {

apps::PretrainOptions small() {
  apps::PretrainOptions o;
  o.method = "simsiam";
  o.arch = "resnet10";
  o.width = 0.125;
  o.out_dim = 16;
  o.batch = 8;
  o.size = 16;
  o.optimizer = "sgd";
  apps::resolve(o, true);
  return o;
}

// Views of `pairs` images of noise; the second view is a noisy copy of the first.
Tensor noise(std::int64_t pairs) {
  Random random(5);
  std::vector<double> values;
  for (std::int64_t i = 0; i < pairs * 16 * 16 * 3; ++i) values.push_back(random.uniform(-1, 1));
  for (std::size_t i = 0, n = values.size(); i < n; ++i)
    values.push_back(values[i] + 0.3 * random.uniform(-1, 1));
  return from_vector({2 * pairs, 16, 16, 3}, values, DType::f32);
}

struct Answer {
  int code;
  std::string text;
};

Answer dyad(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(words, out, err);
  return {code, err.str()};
}

}  // namespace

TEST_CASE("docs/adding_a_method.md: one new file and one line") {
  std::ifstream page("docs/adding_a_method.md");
  std::vector<std::vector<std::string>> blocks;  // their lines, the first with the path
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      if (inside) blocks.emplace_back();
    }
    if (inside) blocks.back().push_back(line);
  }
  REQUIRE(blocks.size() == 2);
  CHECK_FALSE(std::filesystem::exists(blocks[0][0].substr(std::string("```cpp ").size())));
  CHECK(blocks[1].size() == 2);
}

TEST_CASE(
    "the method of docs/adding_a_method.md: the loss falls, and warm steps are equal and wait for nothing") {
  const apps::PretrainOptions o = small();
  const auto method = apps::make_method(o, cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *optimizer, single(), o.batch);
  const Tensor images = noise(o.batch);
  Phases phases(cpu, false);
  LateScalar late(cpu);
  std::vector<double> losses;
  kernels::LaunchLog launched[12];
  for (auto& log : launched) {
    {
      std::optional<NoHostWait> none;
      if (losses.size() > 1) none.emplace();
      step.schedule(0.05, 0);
      kernels::launch_log() = &log;
      late.start(step.launch(images, phases));
      kernels::launch_log() = nullptr;
    }
    losses.push_back(late.value());
  }
  CHECK(losses.front() > -0.5);
  CHECK(losses.back() < losses.front() - 0.2);
  CHECK(losses.back() > -1);
  CHECK(launched[10].entries == launched[11].entries);
  CHECK(std::string(phases.milliseconds()[0].first) == "forward");
  CHECK(std::string(phases.milliseconds()[1].first) == "loss");
}

TEST_CASE("the method of docs/adding_a_method.md: two ranks have the loss and the gradient of one") {
  const apps::PretrainOptions o = small();
  const Tensor all = noise(o.batch);
  double losses[2][2];
  std::vector<double> gradients[2];
  for (const int ranks : {1, 2})
    on_ranks(ranks, [&](Communicator& c) {
      const auto method = apps::make_method(o, cpu);
      const Shard own = shard(o.batch, c.rank(), c.size());
      const Tensor images({2 * own.count, 16, 16, 3}, DType::f32, cpu);
      for (const std::int64_t view : {0, 1}) {
        const Tensor from = all.slice(view * o.batch + own.first, own.count);
        copy_bytes(images.slice(view * own.count, own.count).raw(), cpu, from.raw(), cpu, from.bytes());
      }
      const Tensor loss = method->loss({images, o.batch}, {Mode::train, c});
      losses[ranks - 1][c.rank()] = loss.item();
      backward(loss);
      c.all_reduce_sum(method->parameters.gradients());
      if (c.rank() == 0) gradients[ranks - 1] = method->parameters.gradients().to_vector();
    });
  CHECK(losses[1][0] == losses[1][1]);
  CHECK(losses[1][0] == doctest::Approx(losses[0][0]).epsilon(1e-4));
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < gradients[0].size(); ++i) {
    difference += std::pow(gradients[1][i] - gradients[0][i], 2);
    size += std::pow(gradients[0][i], 2);
  }
  CHECK(size > 0);
  CHECK(std::sqrt(difference / size) < 1e-3);
}

TEST_CASE("the method of docs/adding_a_method.md: trained, resumed, evaluated and exported") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 96, 20), run = scratch.path("run");
  std::vector<std::string> pretrain = {"pretrain",         "--data=" + data,  "--run=" + run,
                                       "--method=simsiam", "--arch=resnet10", "--width=0.125",
                                       "--out-dim=16",     "--batch=16",      "--steps=6",
                                       "--save-every=3",   "--threads=0"};
  Answer a = dyad(pretrain);
  REQUIRE_MESSAGE(a.code == 0, a.text);
  const auto steps = apps::read_metrics(run);
  REQUIRE(steps.size() == 6);
  const std::string last = apps::checkpoint_path(run, 6),
                    bytes = scratch.read("run/checkpoints/step-00000006.safetensors");
  CHECK(apps::Checkpoint(last).file().find("predictor.linear2.weight") != nullptr);
  CHECK(apps::Checkpoint(last).info().at("method") == "simsiam");

  std::filesystem::remove(last);
  pretrain.push_back("--resume=auto");
  a = dyad(pretrain);
  REQUIRE_MESSAGE(a.code == 0, a.text);
  CHECK(scratch.read("run/checkpoints/step-00000006.safetensors") == bytes);

  pretrain[3] = "--method=simclr";
  a = dyad(pretrain);
  CHECK(a.code == 2);
  CHECK(a.text.find("is of another model: method simsiam -> simclr") != std::string::npos);

  a = dyad({"knn", "--data=" + data, "--run=" + run, "--k=5", "--no-floors"});
  CHECK_MESSAGE(a.code == 0, a.text);
  a = dyad({"export", "--run=" + run, "--out=" + scratch.path("encoder.safetensors")});
  CHECK_MESSAGE(a.code == 0, a.text);
  CHECK(scratch.read("run/report.html").find("SimSiam") != std::string::npos);
}
