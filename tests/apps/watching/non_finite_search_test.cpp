// Failing trainings: the first tensor that is not finite is named, with the images of the step. Collapsed
// embeddings and exploding gradients give one warning.
#include "apps/watching/non_finite_search.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "apps/cli/commands.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/watching/embedding_monitor.h"
#include "apps/watching/loss_monitor.h"
#include "data/loader.h"
#include "engine/random.h"
#include "tests/support/small_cifar.h"

using engine::DType;
using engine::Tensor;

namespace {

apps::PretrainOptions tiny() {
  apps::PretrainOptions o;
  o.arch = "resnet10";
  o.width = 0.125;
  o.out_dim = 16;
  o.batch = 16;
  o.size = 32;
  apps::resolve(o, true);
  return o;
}

const engine::Parameter& parameter(const models::Method& method, const std::string& name) {
  for (const auto& p : method.parameters.list())
    if (p.name == name) return p;
  FAIL("no parameter " << name);
  return method.parameters.list()[0];
}

void fill(const engine::Parameter& p, float value) {
  for (std::int64_t i = 0; i < p.value.numel(); ++i) p.value.data<float>()[i] = value;
}

std::string first_of(models::Method& method, float pixel = 0) {
  engine::Random random(1);
  std::vector<double> values;
  for (int i = 0; i < 8 * 32 * 32 * 3; ++i) values.push_back(random.uniform(-1, 1));
  values[5] += double(pixel);
  return apps::first_non_finite(method, {from_vector({8, 32, 32, 3}, values, DType::f32), 4},
                                engine::single());
}

bool begins(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

}  // namespace

TEST_CASE("non-finite: the first tensor is named by the layer it comes from") {
  const apps::PretrainOptions o = tiny();
  CHECK(first_of(*apps::make_method(o, engine::cpu)) == "");

  const auto overflows = apps::make_method(o, engine::cpu);
  fill(parameter(*overflows, "encoder.layer2.0.conv1.weight"), 3e38F);
  CHECK_MESSAGE(begins(first_of(*overflows), "the output of conv2d of encoder.layer2.0.conv1.weight, f32 "),
                first_of(*overflows));

  const auto later = apps::make_method(o, engine::cpu);
  fill(parameter(*later, "encoder.layer3.0.bn2.bias"), std::numeric_limits<float>::max());
  fill(parameter(*later, "encoder.layer3.0.bn2.weight"), std::numeric_limits<float>::max());
  CHECK_MESSAGE(begins(first_of(*later), "the output of batch_norm of encoder.layer3.0.bn2.weight, f32 "),
                first_of(*later));

  const auto spoilt = apps::make_method(o, engine::cpu);
  parameter(*spoilt, "encoder.layer1.0.bn1.bias").value.data<float>()[2] = std::nanf("");
  CHECK_MESSAGE(begins(first_of(*spoilt),
                       "parameter encoder.layer1.0.bn1.bias, f32 (8): 1 of 8 elements, the first at 2"),
                first_of(*spoilt));
  CHECK_MESSAGE(begins(first_of(*apps::make_method(o, engine::cpu), std::numeric_limits<float>::infinity()),
                       "the views, f32 (8,32,32,3): 1 of 24576 elements, the first at 5 is inf"),
                "");
}

TEST_CASE("rewind: to the newest kept state that is not after a given step") {
  const auto method = apps::make_method(tiny(), engine::cpu);
  const Tensor momentum = engine::zeros({3}, DType::f32, engine::cpu);
  apps::Rewind rewind(method->parameters, {{"optimizer.momentum", momentum}});
  const auto hash = [&] { return method->parameters.hash() + std::uint64_t(momentum.data<float>()[1]); };
  std::vector<std::uint64_t> hashes;
  for (long step = 0; step <= 40; ++step) {
    rewind.keep(step);
    hashes.push_back(hash());
    method->parameters.values().data<float>()[0] += 1;
    momentum.data<float>()[1] += 7;
    for (const auto& p : method->parameters.list())
      if (p.name == "encoder.bn1.running_mean") p.value.data<float>()[0] -= 1;
  }
  for (const auto& [asked, kept] : {std::pair(40L, 32L), std::pair(32L, 32L), std::pair(31L, 16L)}) {
    CHECK(rewind.back(asked) == kept);
    CHECK(hash() == hashes[std::size_t(kept)]);
  }
  CHECK_THROWS(rewind.back(15));
}

// The losses were finite, but the last update overflowed: no "collapsed", and no checkpoint.
TEST_CASE("non-finite: weights that overflow in the last step are named") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny();
  o.data = small_cifar(scratch, "data", 64, 10);
  o.optimizer = "sgd";
  o.weight_decay = 0;
  o.warmup_epochs = 0;
  for (const double lr : {1e38, 1e30}) {
    CAPTURE(lr);
    for (const long steps : {1L, 3L, 4L}) {  // four are an epoch
      CAPTURE(steps);
      o.lr = lr;
      o.steps = steps;
      o.run = scratch.path("run" + std::to_string(steps) + (lr > 1e36 ? "a" : "b"));
      const std::string message = message_of<std::runtime_error>([&] { apps::pretrain(o); });
      CAPTURE(message);
      const bool weights = message.find(" is not finite after step ") != std::string::npos,
                 loss = message.find("expected a finite number") != std::string::npos;
      CHECK((weights || loss));
      CHECK(scratch.read("run" + std::to_string(steps) + (lr > 1e36 ? "a" : "b") + "/train.log")
                .find("collapsed") == std::string::npos);
      CHECK(std::filesystem::is_empty(o.run + "/checkpoints"));
    }
  }
}

TEST_CASE("non-finite: a training stops, and saves the step, its images and the first tensor") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny();
  o.data = small_cifar(scratch, "data", 96, 10);
  o.run = scratch.path("run");
  o.steps = 60;
  o.optimizer = "sgd";
  o.lr = 1e36;
  o.weight_decay = 0;
  o.warmup_epochs = 5;  // 30 steps: the rate is 0 in the first one
  const std::string message = message_of<std::runtime_error>([&] { apps::pretrain(o); });
  CAPTURE(message);
  const auto bundle = nlohmann::json::parse(scratch.read("run/non-finite.json"));
  const long step = bundle.at("step");
  CHECK(step >= 2);
  CHECK(message.find(" at step " + std::to_string(step)) != std::string::npos);
  CHECK(message.find(bundle.at("first").get<std::string>()) != std::string::npos);
  CHECK(bundle.at("first").get<std::string>().find("encoder.") != std::string::npos);
  REQUIRE(bundle.at("samples").size() == 16);
  const auto order = data::permutation(96, o.seed, std::uint32_t((step - 1) / 6));
  for (std::size_t i = 0; i < 16; ++i) {
    const std::size_t sample = order[std::size_t((step - 1) % 6) * 16 + i];
    CHECK(bundle.at("samples")[i].at("index") == sample);
    CHECK(bundle.at("samples")[i].at("name") == "data_batch_1.bin record " + std::to_string(sample));
  }
}

TEST_CASE("loss monitor: an exploding gradient is reported once, a steady one never") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny();
  o.data = small_cifar(scratch, "data", 96, 10);
  const auto dataset = data::open_dataset(o.data, data::Split::train);
  const apps::Plan plan(o, *dataset, o.data);
  apps::LossMonitor monitor(plan, models::describe_method(o, o.batch));
  int warnings = 0;
  for (long step = 1; step <= 200; ++step) {
    const double norm = step == 100 || step == 150 ? 90 : step == 5 ? 50 : 1 + 0.5 * double(step % 3);
    const std::string said =
        monitor({.step = step, .epoch = double(step) / 6, .loss = 1, .gradient_norm = norm});
    if (said.empty()) continue;
    ++warnings;
    CHECK(step == 100);
    CHECK(begins(said, "warning: the gradient explodes: its norm is 90 at step 100, "));
  }
  CHECK(warnings == 1);
}

TEST_CASE("embedding monitor: collapsed embeddings are reported once, others never") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny();
  o.data = small_cifar(scratch, "data", 96, 10);
  o.run = scratch.path("run");
  const auto dataset = data::open_dataset(o.data, data::Split::train);
  const apps::Plan plan(o, *dataset, o.data);
  const auto method = apps::make_method(o, engine::cpu);
  apps::RunDirectory run(o, 0);
  apps::EmbeddingMonitor monitor(o, plan, *dataset, *method, run, true);
  CHECK(monitor(1) == "");  // in the middle of an epoch
  CHECK(monitor(6) == "");
  fill(parameter(*method, "projection.bn2.weight"), 0);
  fill(parameter(*method, "projection.bn2.bias"), 1);
  CHECK(begins(monitor(12), "warning: the embeddings have collapsed: after epoch 2 "));
  CHECK(monitor(18) == "");
  CHECK(apps::read_monitor(o.run).size() == 3);
}

TEST_CASE("the gradient's norm covers all trained elements, on every path") {
  for (const char* dtype : {"f32", "f64"}) {
    apps::PretrainOptions o = tiny();
    o.dtype = dtype;
    const auto method = apps::make_method(o, engine::cpu);
    const engine::FlatParameters flat = engine::flat_parameters(method->parameters);
    engine::Random random(3);
    double square = 0;
    std::vector<double> values(std::size_t(flat.gradients.numel()),
                               std::nan(""));  // the padding must not matter
    for (const auto& s : flat.segments)
      for (std::int64_t i = s.offset; i < s.offset + s.numel; ++i) {
        values[std::size_t(i)] = random.normal();
        square += values[std::size_t(i)] * values[std::size_t(i)];
      }
    const Tensor gradients = from_vector(flat.gradients.shape(), values, flat.gradients.dtype());
    engine::copy_bytes(flat.gradients.raw(), engine::cpu, gradients.raw(), engine::cpu, gradients.bytes());
    const engine::GradientNorm norm(flat);
    CHECK(norm().item() == doctest::Approx(square).epsilon(1e-5));
    CHECK(norm().item() == norm().item());
  }
}
