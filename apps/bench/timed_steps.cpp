#include "apps/bench/timed_steps.h"

#include <chrono>
#include <cstddef>
#include <numeric>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "data/second_views.h"
#include "engine/ops.h"

namespace apps {
namespace {

data::Batch noise_photographs(const BenchStepOptions& o, const engine::Shard& pairs, engine::Device device) {
  const int size = o.size;
  const bool small =
      size <= 96;  // images of CIFAR or STL-10; else the usual size of a photograph in ImageNet
  const std::int32_t height = small ? size : 375, width = small ? size : 500;
  data::Batch batch;
  batch.pixels = engine::HostBuffer(device);
  std::vector<std::int64_t> images(std::size_t(pairs.count), 0);
  std::iota(images.begin(), images.end(), pairs.first);
  if (models::describe_method(o, o.batch).shuffles)
    images = data::shuffle_second(batch, o.batch, pairs, o.seed);
  batch.pixels.resize(images.size() * std::size_t(height) * std::size_t(width) * 3);
  for (std::size_t i = 0; i < batch.pixels.size(); ++i)
    batch.pixels.data()[i] = std::uint8_t(noise(std::int64_t(i)) >> 24);
  for (const std::int64_t image : images) {
    batch.offset.push_back(std::int64_t(batch.offset.size()) * height * width * 3);
    batch.height.push_back(height);
    batch.width.push_back(width);
    batch.source.push_back({height, width});
    batch.samples.push_back(std::uint32_t(image));
    batch.labels.push_back(class_of_noise(image));
  }
  return batch;
}

}  // namespace

std::unique_ptr<models::Method> started_method(const BenchStepOptions& o, engine::Device device) {
  auto method = make_method(o, device);
  if (!o.weights.empty()) load_foreign_parameters(o.weights, method->parameters);
  method->start();
  return method;
}

std::uint32_t noise(std::int64_t place) {
  std::uint32_t h = std::uint32_t(place) * 2654435761u;
  h = (h ^ h >> 15) * 2246822519u;
  return h ^ h >> 13;
}

std::int32_t class_of_noise(std::int64_t pair) { return std::int32_t(pair % 10); }

TimedSteps time_steps(long steps, engine::Device device, const TimedStep& step) {
  TimedSteps m;
  for (long i = 0; i < steps; ++i) {
    Phases phases(device, true);
    const auto begun = std::chrono::steady_clock::now();
    const engine::Tensor loss = step(phases);
    m.steps.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    m.losses.push_back(loss.item());
    const auto& times = phases.milliseconds();
    m.phases.resize(times.size());
    for (std::size_t k = 0; k < times.size(); ++k) {
      m.phases[k].name = times[k].first;
      m.phases[k].seconds.push_back(times[k].second / 1e3);
    }
  }
  return m;
}

StepOnNoise::StepOnNoise(const BenchStepOptions& o, engine::Communicator& ranks, const engine::Shard& pairs,
                         engine::Device device)
    : lr_(o.lr),
      method_(started_method(o, device)),
      optimizer_(make_optimizer(o, method_->parameters)),
      step_(*method_, *optimizer_, ranks, o.batch, bucket_bytes(o), recompute_mode(o.recompute)),
      batch_(noise_photographs(o, pairs, device)),
      views_(training_views(o, device)),
      on_device_(device, o.graph, [this](Phases& phase) {
        return step_.launch(phase("views", [&] { return views_.make(); }), phase, views_.labels(),
                            views_.second_places());
      }) {}

engine::Tensor StepOnNoise::operator()(Phases& phase) {
  ++batch_.epoch;  // other views
  phase("send", [&] { views_.stage(batch_), step_.schedule(lr_, 0); });
  return on_device_(views_.layout(), phase);
}

}  // namespace apps
