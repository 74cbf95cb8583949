// Work of a device that is recorded once and then launched as a whole: a CUDA graph.
#pragma once

#include <memory>

#include "engine/device.h"
#include "engine/memory/host_wait.h"
#include "kernels/base/launch_record.h"

struct CUgraphExec_st;

namespace engine {

// What f() asks of the device's compute queue is not run but recorded, with the addresses and values of that
// time. Its results must be kept alive by the caller; memory that it had for the time being is kept from
// others as long as the graph lives. f() must be warm: a first call may bring new memory or plans, for which
// the host waits, and that is an error here.
//
// On the CPU device this is a double for tests, of launches at the GPU's block sizes (Threads::gpu).
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
