// The real NCCL on a GPU with one rank: each collective, its stream and its watchdog, also inside a graph.
// Skipped with a message if there is no GPU or no NCCL. DYAD_CUDA builds only.
#include <doctest/doctest.h>

#include <cstdlib>

#include "engine/memory/cuda_device.h"
#include "engine/memory/graph.h"
#include "engine/ops.h"
#include "engine/ranks/nccl_communicator.h"
#include "engine/tape.h"
#include "kernels/vendor/vendor_library.h"

using namespace engine;

namespace {

const Device gpu{Backend::cuda, 0};

bool can_run() {
  std::string why;
  if (cuda::count(&why) > 0) try {
      nccl_version();
      return true;
    } catch (const kernels::MissingLibrary& e) {
      why = e.what();
    }
  MESSAGE("nccl: 0 collectives run: " << why);
  return false;
}

std::unique_ptr<Communicator> alone() { return connect_nccl(gpu, 0, 1, 60, nccl_unique_id()); }

Tensor counted(const Shape& shape, DType dtype) {
  std::vector<double> values(std::size_t(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = double(i % 251) - 100;
  return from_vector(shape, values, dtype, gpu);
}

}  // namespace

TEST_CASE("nccl on a GPU: the collectives of one rank return their input") {
  if (!can_run()) return;
  const auto communicator = alone();
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16})
    for (const std::int64_t rows : {0, 1, 3, 100'001}) {
      const Tensor t = counted({rows, 5}, dtype);
      const std::vector<double> before = t.to_vector();
      communicator->all_reduce_sum(t);
      CHECK(t.to_vector() == before);
      communicator->broadcast(t, 0);
      CHECK(t.to_vector() == before);
      CHECK(communicator->all_gather(t).to_vector() == before);
      CHECK(communicator->all_gather(t, {rows}).to_vector() == before);
      CHECK(communicator->reduce_scatter_sum(t).to_vector() == before);
      communicator->begin_all_reduce_sum(t);
      communicator->finish_all_reduces();
      CHECK(t.to_vector() == before);
    }
  communicator->barrier();
  CHECK(exchange_texts(*communicator, "alone") == std::vector<std::string>{"alone"});
}

TEST_CASE("nccl on a GPU: an all-reduce is in order with the work around it, in a graph too") {
  if (!can_run()) return;
  const auto communicator = alone();
  const NoGrad no_grad;
  const Tensor x = counted({1000, 1000}, DType::f32), sum = zeros({1000, 1000}, DType::f32, gpu);
  Tensor y;
  const auto step = [&] {
    y = add(x, sum);
    communicator->begin_all_reduce_sum(y);
    communicator->finish_all_reduces();
    copy_bytes(sum.raw(), gpu, y.raw(), gpu, y.bytes());
  };
  step();
  const std::vector<double> once = x.to_vector();
  CHECK(sum.to_vector() == once);
  const Graph graph(gpu, step);
  for (int i = 0; i < 3; ++i) graph.launch();
  std::vector<double> four = once;
  for (double& v : four) v *= 4;
  CHECK(sum.to_vector() == four);
  communicator->barrier();
}
