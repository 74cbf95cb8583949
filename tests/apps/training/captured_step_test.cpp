// A step captured as a graph gives the same results as the step. On the CPU device a test double records
// launches and replays them with the addresses and scalars of the capture.
#include "apps/training/captured_step.h"

#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include "apps/run/model.h"
#include "apps/training/train_step.h"
#include "data/view_batch.h"
#include "engine/memory/host_wait.h"
#include "kernels/base/launch_log.h"

using namespace engine;

namespace {

struct GpuThreads {  // the double records only launches at the GPU's block sizes
  Threads before = std::exchange(cpu_threads(), Threads::gpu);
  ~GpuThreads() { cpu_threads() = before; }
};

apps::PretrainOptions small_graph(const std::string& optimizer) {
  apps::PretrainOptions o;
  o.arch = "resnet10";
  o.width = 0.0625;
  o.out_dim = 8;
  o.batch = 2;
  o.size = 8;
  o.dtype = "f64";
  o.tau.value = 0.2;
  o.optimizer = optimizer;
  apps::resolve(o, true);
  return o;
}

// A run of a few steps: losses, then a hash of the parameters.
std::vector<double> run(const apps::PretrainOptions& o, bool captured, bool resident, bool disturb) {
  const auto dataset = data::open_dataset("data/samples", data::Split::train);
  std::optional<data::Resident> pixels;
  if (resident) pixels.emplace(*dataset, cpu, 1);
  data::Loader loader(*dataset, {.batch = o.batch, .threads = 0, .seed = 4, .pixels = !resident});
  data::ViewBatches views(data::view_recipe("simclr-cifar"), 2, o.size, 4, cpu, DType::f64,
                          pixels ? &*pixels : nullptr);
  const auto method = apps::make_method(o, cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep train_step(*method, *optimizer, single(), o.batch);
  apps::CapturedStep step(cpu, captured, [&](apps::Phases& p) {
    return train_step.launch(p("views", [&] { return views.make(); }), p);
  });

  apps::Phases phase(cpu, false);
  LateScalar late(cpu);
  data::Batch batch;
  std::vector<double> result;
  Tensors kept;  // memory of other tensors during the graph's lifetime
  for (int i = 0; i < 5; ++i) {
    loader.next(batch);
    {
      std::optional<NoHostWait> none;
      if (i > 1 && !disturb) none.emplace();
      views.stage(batch);
      train_step.schedule(0.1 / (i + 1), i / 5.0);
      late.start(step(views.layout(), phase));
    }
    result.push_back(late.value());
    if (disturb)
      for (const std::int64_t n : {10, 1000, 100000})
        kept.push_back(
            full({n}, NAN, DType::f64, cpu));  // would overwrite the step's memory if it were reused
    for (const Tensor& t : kept) CHECK(std::isnan(t.slice(t.numel() - 1, 1).item()));
  }
  result.push_back(double(method->parameters.hash("") >> 12));
  return result;
}

}  // namespace

TEST_CASE("captured or not, pixels sent or resident: losses and parameters are bit-identical") {
  const GpuThreads gpu;
  for (const char* optimizer : {"lars", "adamw"}) {
    INFO(optimizer);
    const apps::PretrainOptions o = small_graph(optimizer);
    const std::vector<double> expected = run(o, false, false, false);
    CHECK(expected[0] != expected[4]);
    CHECK(run(o, true, false, false) == expected);
    CHECK(run(o, true, true, false) == expected);
  }
}

TEST_CASE("a graph's memory is not reused by others") {
  const GpuThreads gpu;
  const apps::PretrainOptions o = small_graph("sgd");
  CHECK(run(o, true, true, true) == run(o, false, true, false));
}

TEST_CASE("a step of another layout is captured again") {
  const GpuThreads gpu;
  double value = 1;
  int calls = 0;
  apps::CapturedStep step(cpu, true, [&](apps::Phases&) {
    ++calls;
    return full({1}, value, DType::f64, cpu);
  });
  apps::Phases phase(cpu, false);
  for (int i = 0; i < 6; ++i) CHECK(step(1, phase).item() == 1);
  CHECK(calls == 3);  // two direct runs, one capture
  value = 2;
  CHECK(step(1, phase).item() == 1);  // a captured scalar keeps its value
  for (int i = 0; i < 6; ++i) CHECK(step(2, phase).item() == 2);
  CHECK(calls == 6);
}

TEST_CASE("work that waits or copies from the host can't be captured") {
  const GpuThreads gpu;
  const Tensor x = full({4}, 2, DType::f64, cpu);
  Upload upload(cpu, 8);
  LateScalar late(cpu);
  const double value = 1;
  CHECK_THROWS_WITH(Graph(cpu, [&] { x.to_vector(); }),
                    "Tensor::to_vector: the host would wait for the device inside a NoHostWait");
  CHECK_THROWS_WITH(Graph(cpu, [&] { upload.send(&value, 8); }),
                    "HostBuffer::copy_to: a copy to or from the host can't be captured in a graph");
  CHECK_THROWS_AS(Graph(cpu, [&] { late.start(x.slice(0, 1)); }), std::logic_error);
  CHECK(x.to_vector() == std::vector<double>(4, 2.0));  // works again after the failed capture

  const Graph graph(cpu, [&] { x.fill_zero(); });
  CHECK(x.to_vector() == std::vector<double>(4, 2.0));
  graph.launch();
  CHECK(x.to_vector() == std::vector<double>(4, 0.0));
}

TEST_CASE("--graph on the CPU device is refused in one line") {
  apps::PretrainOptions o;
  o.graph = true;
  CHECK_THROWS_WITH(apps::resolve(o, true), "--graph: the CPU device has no graphs, expected --device cuda");
  o.device = "cuda";
  CHECK_NOTHROW(apps::resolve(o, true));
}
