// Training steps against PyTorch's, with golden files (scripts/lab/oracle.py --golden): loss, every gradient,
// running statistics and target networks, 20 steps of each optimizer and method. `dyad steps`, which the live
// comparison with PyTorch uses, must do the same steps as `dyad pretrain`.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/options/fields.h"
#include "apps/run/checkpoint.h"
#include "apps/run/file_layout.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/training/train_step.h"
#include "data/views.h"
#include "engine/files/safetensors.h"
#include "engine/ops.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {

Tensor tensor_of(const SafetensorsReader& file, const std::string& name) {
  const TensorEntry* e = file.find(name);
  if (e == nullptr) throw std::runtime_error("no tensor " + name);
  const Tensor t(e->shape, e->dtype, cpu);
  file.read(*e, t.raw());
  return t;
}

apps::PretrainOptions options_of(const SafetensorsReader& file, const std::string& dtype) {
  apps::PretrainOptions o;
  for (const apps::Field& f : apps::fields(o))
    if (const auto said = file.metadata().find(f.name); said != file.metadata().end())
      REQUIRE(apps::assign(f, said->second) == "");
  o.dtype = dtype;
  return o;
}

// The norm of a tensor in a file's layout, and a weighted sum that detects any difference.
struct Summary {
  double norm, sum;
};
Summary summary(const Tensor& in_memory, bool filter) {
  const std::vector<double> v = apps::to_file(in_memory, filter).to_vector();
  double squares = 0, sum = 0;
  for (std::size_t i = 0; i < v.size(); ++i) {
    squares += v[i] * v[i];
    sum += (double(i * 7919 % 1009) / 1009 - 0.5) * v[i];
  }
  return {std::sqrt(squares), sum};
}

// Checks that both numbers are within a tolerance of PyTorch's, relative to the norm.
void compare(const SafetensorsReader& golden, const std::string& name, const Tensor& ours, bool filter,
             double tolerance) {
  const std::vector<double> theirs = tensor_of(golden, name).to_vector();
  const Summary s = summary(ours, filter);
  INFO(name, ": norm ", s.norm, " sum ", s.sum, ", PyTorch ", theirs[0], " ", theirs[1]);
  double scale = theirs[0];
  // a mean of zero, behind another batch norm, has no digits: it is compared with the deviation
  if (name.ends_with("running_mean"))
    scale =
        std::max(scale, std::sqrt(tensor_of(golden, name.substr(0, name.size() - 4) + "var").to_vector()[0]));
  const double allowed = tolerance * (scale > 0 ? scale : 1);
  CHECK(std::abs(s.norm - theirs[0]) <= allowed);
  CHECK(std::abs(s.sum - theirs[1]) <= allowed);
}

// 8-bit levels (2N,S,S,3) to the network's normalized input.
Tensor normalized(const Tensor& levels, const data::Normalization& n, DType dtype) {
  std::vector<double> v = levels.to_vector();
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = (v[i] / 255 - n.mean[i % 3]) / n.std[i % 3];
  return from_vector(levels.shape(), v, dtype);
}

// one: tolerance of the first step. many: tolerance of the other steps; 0: only the first step runs.
void compare_with_pytorch(const std::string& path, const std::string& dtype, double one, double many) {
  INFO(path, " ", dtype);
  const SafetensorsReader golden(path);
  const apps::PretrainOptions o = options_of(golden, dtype);
  const auto method = apps::make_method(o, cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *optimizer, single(), o.batch);
  const Tensor levels = tensor_of(golden, "levels");
  const std::vector<double> rates = tensor_of(golden, "rates").to_vector(),
                            losses = tensor_of(golden, "losses").to_vector();
  const data::Normalization normalization = data::view_recipe("simclr-cifar").normalization;
  apps::Phases phases(cpu, true);
  REQUIRE(losses.size() == 20);
  for (std::size_t i = 0; i < (many > 0 ? losses.size() : 1); ++i) {
    const std::int64_t rows = 2 * o.batch;
    const Tensor batch = levels.slice(std::int64_t(i) * rows % levels.dim(0), rows);
    // of this step, if the method needs them
    const auto numbers = [&](const std::string& name, std::int64_t count) {
      return golden.find(name) == nullptr
                 ? Tensor()
                 : tensor_of(golden, name)
                       .slice(std::int64_t(i) * count % (levels.dim(0) / rows * count), count);
    };
    step.schedule(rates[i], double(i) / double(losses.size()));
    const Tensor images = normalized(batch, normalization, parse_dtype(dtype));
    const double loss =
        step.launch(images, phases, numbers("labels", rows), numbers("second_places", o.batch)).item();
    INFO("step ", i, ": loss ", loss, ", PyTorch ", losses[i]);
    CHECK(std::abs(loss - losses[i]) <= (i == 0 ? one : many) * std::abs(losses[i]));
    if (i > 0) continue;
    for (const Parameter& p : method->parameters.list()) {
      if (p.trained)
        compare(golden, "gradient." + p.name,
                method->parameters.gradients().slice_flat(p.offset, p.value.shape()), p.filter, one);
      else
        compare(golden, "after." + p.name, p.value, false, one);
    }
    for (const auto& [name, value] : method->state())
      compare(golden, "after." + name, value, apps::is_filter(method->parameters, name), one);
  }
  if (many == 0) return;
  for (const Parameter& p : method->parameters.list())
    compare(golden, "final." + p.name, p.value.detach(), p.filter, many);
  for (const auto& [name, value] : method->state())
    compare(golden, "final." + name, value, apps::is_filter(method->parameters, name), many);
}

std::vector<std::string> golden_steps() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden"))
    if (entry.path().filename().string().rfind("steps-", 0) == 0) paths.push_back(entry.path().string());
  REQUIRE(paths.size() == 25);
  return paths;
}

int dyad(const std::vector<std::string>& arguments, std::string* error = nullptr) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(arguments, out, err);
  if (error != nullptr) *error = err.str();
  return code;
}

}  // namespace

TEST_CASE("a step is PyTorch's, in f64") {
  for (const std::string& path : golden_steps()) compare_with_pytorch(path, "f64", 1e-8, 0);
}

// The golden files have well-posed seeds (scripts/lab/oracle.py): rounding errors are not amplified beyond
// the tolerances. Such a small ResNet-50 has no such seed.
TEST_CASE("20 steps of each optimizer and each method are PyTorch's in f64, and the first in f32") {
  int compared = 0;
  for (const std::string& path : golden_steps()) {
    if (path.find("first") != std::string::npos) continue;
    compare_with_pytorch(path, "f64", 1e-8, 1e-6);
    compare_with_pytorch(path, "f32", 1e-4, 0);
    ++compared;
  }
  CHECK(compared == 24);
}

TEST_CASE("dyad steps are the steps of dyad pretrain") {
  const Scratch scratch;
  const std::string run = scratch.path("run"), out = scratch.path("steps");
  const std::vector<std::string> same = {
      "--data=data/samples", "--arch=resnet10", "--width=0.125", "--out-dim=16",
      "--batch=8",           "--steps=3",       "--seed=4"};
  std::vector<std::string> pretrain = {"pretrain", "--run=" + run}, steps = {"steps", "--out=" + out};
  pretrain.insert(pretrain.end(), same.begin(), same.end());
  steps.insert(steps.end(), same.begin(), same.end());
  REQUIRE(dyad(pretrain) == 0);
  REQUIRE(dyad(steps) == 0);

  const SafetensorsReader written(out), checkpoint(apps::checkpoint_path(run, 3));
  const auto metrics = apps::read_metrics(run);
  const std::vector<double> losses = tensor_of(written, "losses").to_vector(),
                            rates = tensor_of(written, "rates").to_vector();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(metrics[i].loss == losses[i]);
    CHECK(metrics[i].lr == rates[i]);
  }
  int compared = 0;
  for (const TensorEntry& e : checkpoint.entries()) {
    if (e.name.rfind("optimizer.", 0) == 0) continue;
    const Tensor a = tensor_of(checkpoint, e.name), b = tensor_of(written, "final." + e.name);
    CHECK(std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
    ++compared;
  }
  CHECK(compared == 84);

  // the written views are the network's input
  const Tensor images = tensor_of(written, "images.0");
  const Tensor again = augment(tensor_of(written, "pixels.0"), tensor_of(written, "views.0"), 32,
                               data::view_recipe("simclr-cifar").normalization, DType::f32);
  CHECK(std::memcmp(images.raw(), again.raw(), images.bytes()) == 0);

  // the mask of each ReLU: one of the stem, two of each of four blocks, one of the head
  int relus = 0;
  for (const TensorEntry& e : written.entries()) {
    if (e.name.rfind("relu.", 0) != 0) continue;
    double passed = 0;
    for (const double sign : tensor_of(written, e.name).to_vector()) {
      REQUIRE((sign == 0 || sign == 1));
      passed += sign;
    }
    const double part = passed / double(tensor_of(written, e.name).numel());
    CHECK(part > 0.2);
    CHECK(part < 0.8);
    ++relus;
  }
  CHECK(relus == 10);
  CHECK(tensor_of(written, "relu.0").shape() == Shape{16, 32, 32, 8});
}

TEST_CASE("dyad data views makes the views of a file, and refuses others in one line") {
  const Scratch scratch;
  kernels::View v{};
  v.height = 4, v.width = 5, v.left = 1, v.crop_height = v.crop_width = 4, v.solarize = 256, v.flip = 1;
  const Tensor pixels({60}, DType::u8, cpu);
  for (int i = 0; i < 60; ++i) pixels.data<std::uint8_t>()[i] = std::uint8_t(4 * i);
  const auto ask = [&](const TensorFile& file, const std::string& size = "4") {
    write_safetensors(scratch.path("in"), file);
    std::string error;
    const int code = dyad(
        {"data", "views", "--in=" + scratch.path("in"), "--out=" + scratch.path("out"), "--size=" + size},
        &error);
    CHECK(std::count(error.begin(), error.end(), '\n') == (code == 0 ? 0 : 1));
    return std::pair(code, error.substr(0, error.size() - (code == 0 ? 0 : 1)));
  };
  REQUIRE(ask({{{"pixels", pixels}, {"views", data::pack({v})}}, {}}).first == 0);
  const Tensor levels = tensor_of(SafetensorsReader(scratch.path("out")), "levels");
  REQUIRE(levels.shape() == Shape{1, 4, 4, 3});
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x)
      CHECK(levels.data<std::uint8_t>()[(y * 4 + x) * 3] == pixels.data<std::uint8_t>()[(y * 5 + 4 - x) * 3]);

  const std::string before = "dyad data views: " + scratch.path("in") + ": ";
  v.left = 2;
  CHECK(ask({{{"pixels", pixels}, {"views", data::pack({v})}}, {}}) ==
        std::pair(65, before + "view 0 has a crop box that is not inside the source image"));
  v.left = 1;
  for (const float number : {NAN, INFINITY, -INFINITY, 1e9f}) {
    kernels::View turned = v, blurred = v, jittered = v;
    turned.angle = blurred.blur_sigma = jittered.factor[3] = number;
    CHECK(ask({{{"pixels", pixels}, {"views", data::pack({v, turned})}}, {}}) ==
          std::pair(65, before + "view 1 has an angle that is no number or too large"));
    CHECK(ask({{{"pixels", pixels}, {"views", data::pack({blurred})}}, {}}) ==
          std::pair(65, before + "view 0 has a blur sigma that is negative, no number or too large"));
    CHECK(ask({{{"pixels", pixels}, {"views", data::pack({jittered})}}, {}}) ==
          std::pair(65, before + "view 0 has a jitter factor that is no number or too large"));
  }
  kernels::View unknown = v;
  unknown.jitter[1] = kernels::Jitter(5);
  CHECK(ask({{{"pixels", pixels}, {"views", data::pack({unknown})}}, {}}) ==
        std::pair(65, before + "view 0 has a color jitter of an unknown kind"));
  CHECK(ask({{{"views", data::pack({v})}}, {}}) ==
        std::pair(65, before + "expected a tensor pixels of U8 with 1 extents"));
  CHECK(ask({{{"pixels", pixels}, {"views", zeros({1, 71}, DType::u8, cpu)}}, {}}) ==
        std::pair(65, before + "views are (1,71), expected (N,72)"));
}
