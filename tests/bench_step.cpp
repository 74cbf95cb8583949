// The dyad side of scripts/compare_pytorch.py: the training step of `dyad pretrain` on images that stay in
// memory. Answers each line `go N` on stdin with one JSON line: seconds of N steps, by phase, and their
// losses.
//   bench_step IMAGES [WEIGHTS.safetensors|- [DEVICE [DTYPE [ARCH [SIZE]]]]]
// ARCH has the CIFAR stem for images of up to 64 x 64 pixels (SIZE, 32), else ImageNet's.
#include <omp.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/checkpoint.h"
#include "apps/train_step.h"
#include "engine/ops.h"

namespace {

// The same noise as in scripts/pytorch_step.py, uniform in -2 .. 2: a hash of each element's place.
engine::Tensor images(std::int64_t n, std::int64_t size) {
  const engine::Tensor x({n, size, size, 3}, engine::DType::f32, engine::cpu);
  auto* value = x.data<float>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    std::uint32_t h = std::uint32_t(i) * 2654435761u;
    h = (h ^ h >> 15) * 2246822519u;
    h ^= h >> 13;
    value[i] = float(h) / 1073741824.0f - 2;
  }
  return x;
}

}  // namespace

int main(int argc, char** argv) try {
  engine::require(argc >= 2 && argc <= 7,
                  "bench_step: expected IMAGES [WEIGHTS.safetensors|- [DEVICE [DTYPE [ARCH [SIZE]]]]]");
  const std::int64_t n = std::stol(argv[1]);
  apps::PretrainOptions o;
  o.optimizer = "sgd";
  o.weight_decay = 1e-4;
  o.batch = int(n / 2);
  if (argc > 3) o.device = argv[3];
  if (argc > 4) o.dtype = argv[4];
  if (argc > 5) o.arch = argv[5];
  o.size = argc > 6 ? std::stoi(argv[6]) : 32;
  apps::resolve(o, o.size <= 64);
  const engine::Device device = engine::parse_device(o.device);

  const apps::Model model(o, device);
  if (argc > 2 && std::string(argv[2]) != "-") apps::load_foreign_parameters(argv[2], model.parameters);
  const auto optimizer = apps::make_optimizer(o, model.parameters);
  apps::TrainStep step(model, *optimizer, engine::single(), o.batch);
  const engine::Tensor x = engine::cast(images(n, o.size).to(device), engine::parse_dtype(o.dtype));
  const engine::Tensor tau = engine::full({1}, 0.5, model.parameters.dtype(), device);
  std::cout << nlohmann::json{{"ready", true}, {"threads", omp_get_max_threads()}} << std::endl;

  for (std::string line; std::getline(std::cin, line) && line.rfind("go ", 0) == 0;) {
    std::map<std::string, std::vector<double>> columns;
    for (int i = std::stoi(line.substr(3)); i > 0; --i) {
      apps::Phases phases(device, true);
      const engine::Tensor loss = step(x, tau, 0.05, phases);
      columns["value"].push_back(loss.item());
      for (const auto& [phase, milliseconds] : phases.milliseconds())
        columns[phase].push_back(milliseconds / 1e3);
    }
    std::cout << nlohmann::json(columns) << std::endl;
  }
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
