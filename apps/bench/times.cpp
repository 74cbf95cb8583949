#include "apps/bench/times.h"

#include <sys/resource.h>

#include <fstream>

#include "engine/check/op_case.h"
#include "engine/memory/cuda_device.h"
#include "engine/ops.h"
#include "engine/tape.h"

namespace apps {
namespace {

// FLOP/s of a linear layer with weights as layers keep them: f32, rounded before each product, which many
// rows make small beside it. Random values: a GPU multiplies equal ones with less power, so faster.
double product_gflop_s(engine::Device device, engine::DType dtype) {
  const bool gpu = device.backend == engine::Backend::cuda;
  const std::int64_t n = gpu ? 4096 : 2048, copies = gpu ? 8 : 1;
  engine::Random random(0, 0, 0, 0x6E33);
  const engine::Tensor drawn = engine::uniform({n, n}, random);
  const engine::Tensor weight = engine::cast(drawn.to(device), engine::accumulator(dtype));
  const engine::Tensor block = engine::cast(drawn.to(device), dtype);
  const engine::Tensor x({copies * n, n}, dtype, device);
  for (std::int64_t i = 0; i < copies; ++i)
    engine::copy_bytes(x.slice(i * n, n).raw(), device, block.raw(), device, block.bytes());
  const Times t = measure_times(device, 10, [&] { engine::linear(x, weight); });
  return 2. * double(copies * n) * double(n) * double(n) / t.p5 / 1e9;
}

nlohmann::ordered_json figures(const Times& t) {
  return {{"p5", t.p5}, {"p25", t.p25}, {"median", t.median}, {"p95", t.p95}, {"interrupted", t.interrupted}};
}

}  // namespace

Times middle(const std::vector<Times>& rounds) {
  Times result;
  for (double Times::*figure : {&Times::p5, &Times::p25, &Times::median, &Times::p95, &Times::interrupted}) {
    std::vector<double> all;
    for (const Times& t : rounds) all.push_back(t.*figure);
    result.*figure = times_of(all).median;
  }
  return result;
}

nlohmann::ordered_json as_json(const std::vector<Times>& rounds) {
  const Times t = middle(rounds);
  nlohmann::ordered_json result = figures(t);
  result["noisy"] = noisy(t);
  for (const Times& round : rounds) result["rounds"].push_back(figures(round));
  return result;
}

Ceilings measure_ceilings(engine::Device device, engine::DType dtype) {
  const engine::NoGrad no_grad;
  const engine::Tensor large = engine::full({64 << 20}, 1, engine::DType::f32, device);  // beyond every cache
  const Times copy = measure_times(device, 10, [&] { large.clone(); });
  return {2. * double(large.bytes()) / copy.p5 / 1e9, product_gflop_s(device, dtype)};
}

long interruptions() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_nivcsw;
}

std::size_t cache_bytes(engine::Device device) {
  if (device.backend == engine::Backend::cuda) return engine::cuda::cache_bytes(device.index);
  std::size_t most = 0;
  for (int level = 0; level < 8; ++level) {  // the kernel's list, "32768K"
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(level) + "/size");
    std::size_t kilobytes = 0;
    if (file >> kilobytes) most = std::max(most, kilobytes << 10);
  }
  return most > 0 ? most : 32 << 20;  // where the kernel does not say
}

}  // namespace apps
