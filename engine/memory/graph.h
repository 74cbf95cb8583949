// A CUDA graph: work of a device that is recorded once and then launched as a whole.
#pragma once

#include <memory>

#include "engine/device.h"
#include "engine/memory/host_wait.h"
#include "kernels/base/launch_record.h"

struct CUgraphExec_st;

namespace engine {

// Records what f() queues on the device's compute queue, with its addresses and arguments, and does not run
// it. The caller must keep the results of f() alive. Memory that f() used temporarily stays reserved for the
// lifetime of the graph. f() must be warm: a first call may allocate memory or make plans, which make the
// host wait, and a wait is an error here.
//
// On the CPU device a graph exists for tests only: it records launches at the GPU's block sizes
// (Threads::gpu).
class Graph {
 public:
  template <class F>
  Graph(Device device, F f) : device_(device), memory_(device) {
    begin();
    try {
      const Capture capture;
      f();
    } catch (...) {
      abandon();
      throw;
    }
    end();
  }
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  void launch() const;

 private:
  void begin();
  void abandon() noexcept;
  void end();
  Device device_;
  MemoryReservation memory_;
  CUgraphExec_st* graph_ = nullptr;
  std::unique_ptr<kernels::LaunchRecord> host_;
};

}  // namespace engine
