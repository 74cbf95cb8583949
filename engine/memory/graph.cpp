#include "engine/memory/graph.h"

#include "engine/error.h"
#include "engine/memory/cuda_device.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/launch_record.h"

namespace engine {

void Graph::begin() {
  if (device_.backend == Backend::cuda) return cuda::begin_capture(device_.index);
  require(cpu_threads() == Threads::gpu, "Graph: on the CPU device expected Threads::gpu");
  host_ = std::make_unique<kernels::LaunchRecord>();
  kernels::launch_record() = host_.get();
}

void Graph::abandon() noexcept {
  if (device_.backend == Backend::cuda) cuda::abandon_capture(device_.index);
  kernels::launch_record() = nullptr;
}

void Graph::end() {
  kernels::launch_record() = nullptr;
  memory_.close();
  if (device_.backend == Backend::cuda) graph_ = cuda::end_capture(device_.index);
}

Graph::~Graph() {
  if (graph_ != nullptr) cuda::destroy_graph(graph_);
}

void Graph::launch() const {
  if (kernels::LaunchLog* log = kernels::launch_log()) log->add("graph", this);
  if (device_.backend == Backend::cuda)
    cuda::launch_graph(graph_, device_.index);
  else
    host_->run();
}

}  // namespace engine
