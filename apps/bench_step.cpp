// dyad bench step: the time of each phase of a training step. The step is that of dyad pretrain. It uses one
// batch of random photographs, which stays in memory; each step draws other views of them.
#include <omp.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/bench/timed_steps.h"
#include "apps/bench/times.h"
#include "apps/cli/commands.h"
#include "apps/ranks/ranks.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/training/train_step.h"
#include "engine/ops.h"

namespace apps {
namespace {

using engine::Tensor;
using nlohmann::ordered_json;

// Uniform from -2 to 2.
Tensor noise_images(const engine::Shape& shape) {
  const Tensor x(shape, engine::DType::f32, engine::cpu);
  auto* value = x.data<float>();
  for (std::int64_t i = 0; i < x.numel(); ++i) value[i] = float(noise(i)) / 1073741824.0f - 2;
  return x;
}

Tensor noise_labels(const engine::Shard& pairs) {
  const Tensor labels({2 * pairs.count}, engine::DType::i32, engine::cpu);
  for (std::int64_t i = 0; i < 2 * pairs.count; ++i)
    labels.data<std::int32_t>()[i] = class_of_noise(pairs.first + i % pairs.count);
  return labels;
}

// Answers each line `go N` on stdin with one line of JSON: the seconds of N steps on images of noise, by
// phase, and their losses.
int serve(const BenchStepOptions& o, const Ranks& ranks, const engine::Shard& pairs, engine::Device device) {
  const auto method = started_method(o, device);
  const auto optimizer = make_optimizer(o, method->parameters);
  TrainStep train_step(*method, *optimizer, ranks.communicator(), o.batch, bucket_bytes(o),
                       recompute_mode(o.recompute));
  const Tensor noise = noise_images({2 * pairs.count, o.size, o.size, 3}).to(device);
  const Tensor images = engine::cast(noise, engine::parse_dtype(o.dtype));
  const Tensor labels = noise_labels(pairs).to(device);
  std::cout << ordered_json{{"ready", true}, {"threads", omp_get_max_threads()}} << std::endl;
  for (std::string line; std::getline(std::cin, line) && line.rfind("go ", 0) == 0;) {
    const TimedSteps m = time_steps(std::stol(line.substr(3)), device, [&](Phases& phase) {
      train_step.schedule(o.lr, 0);
      return train_step.launch(images, phase, labels);
    });
    ordered_json answer = {{"value", m.losses}, {"step", m.steps}};
    for (const PhaseTimes& c : m.phases) answer[c.name] = c.seconds;
    std::cout << answer << std::endl;
  }
  return 0;
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.); }

int report(const BenchStepOptions& o, int ranks, const TimedSteps& m) {
  ordered_json rows = ordered_json::array();
  std::string csv = "phase,p5_s,median_s,p95_s,share\n";
  std::printf("%-11s %10s %10s %10s %7s\n", "phase", "median ms", "p5", "p95", "share");
  const auto row = [&](const std::string& name, const std::vector<double>& seconds) {
    const Times t = times_of(seconds);
    const double share = sum(seconds) / sum(m.steps);
    std::printf("%-11s %10.3f %10.3f %10.3f %6.1f%%\n", name.c_str(), t.median * 1e3, t.p5 * 1e3, t.p95 * 1e3,
                100 * share);
    rows.push_back({{"phase", name}, {"p5", t.p5}, {"median", t.median}, {"p95", t.p95}, {"share", share}});
    csv += engine::concat_text(name, ',', t.p5, ',', t.median, ',', t.p95, ',', share, '\n');
    return t.median;
  };
  for (const PhaseTimes& c : m.phases) row(c.name, c.seconds);
  const double images_per_s = 2 * o.batch / row("step", m.steps);
  std::printf("%.1f images/s, two of each pair\n", images_per_s);
  if (!o.csv.empty()) write_text(o.csv, csv);
  if (!o.json.empty())
    write_json(o.json, {{"arch", o.arch},
                        {"size", o.size},
                        {"batch", o.batch},
                        {"ranks", ranks},
                        {"device", o.device},
                        {"dtype", o.dtype},
                        {"steps", o.steps},
                        {"images_per_s", images_per_s},
                        {"first_loss", m.losses.front()},
                        {"rows", rows}});
  return 0;
}

int run(const BenchStepOptions& o, const Ranks& ranks) {
  constexpr long kWarm =
      3;  // steps in which memory is allocated, the libraries make their plans, and the graph is captured
  const engine::Device device = device_of_rank(o);
  const engine::Shard pairs = engine::shard(o.batch, ranks.rank(), ranks.size());
  if (o.serve) return serve(o, ranks, pairs, device);
  StepOnNoise step(o, ranks.communicator(), pairs, device);
  if (ranks.first())
    std::printf("%s x %g, %s on %s: %d pairs of %d x %d pixels a step; %ld steps after %ld that warm up\n",
                o.arch.c_str(), o.width, o.dtype.c_str(), o.device.c_str(), o.batch, o.size, o.size, o.steps,
                kWarm);
  const auto timed = [&](Phases& phase) { return step(phase); };
  time_steps(kWarm, device, timed);
  const TimedSteps m = time_steps(o.steps, device, timed);
  return ranks.first() ? report(o, ranks.size(), m) : 0;
}

}  // namespace

int bench_step(const BenchStepOptions& given) {
  require_image_for_each_rank(given, given.batch);
  if (const auto code = start_ranks(given)) return *code;
  BenchStepOptions o = given;
  // auto: the size of ImageNet's views for ResNet-50 and deeper, of CIFAR's for the others
  resolve(o, !models::resnet_depth(o.arch).bottlenecks);
  Ranks ranks(o, "bench step");
  return ranks.guarded([&] { return run(o, ranks); });
}

}  // namespace apps
