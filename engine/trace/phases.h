// Where the time of a step goes: wall milliseconds of each named phase, which a profiler shows as a range.
#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "engine/device.h"
#include "engine/trace/profiler.h"
#include "engine/trace/trace.h"

namespace engine {

class Phases {
 public:
  // sync: wait for the device after each phase, so that its time is its own and not that of the next one that
  // waits. On the CPU device work is done when a call returns.
  Phases(Device device, bool sync) : device_(device), sync_(sync) {}

  template <class F>
  auto operator()(const char* name, F f) {
    const Timer timer(*this, name);
    return f();
  }

  const std::vector<std::pair<const char*, double>>& milliseconds() const {
    return times_;
  }  // in order of running
  void clear() { times_.clear(); }

 private:
  struct Timer {
    Phases& phases;
    const char* name;
    const ProfilerRange range{name};
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    Timer(Phases& phases, const char* name) : phases(phases), name(name) {}
    ~Timer() {
      if (phases.sync_) synchronize(phases.device_);
      const auto ended = std::chrono::steady_clock::now();
      phases.times_.emplace_back(name, std::chrono::duration<double, std::milli>(ended - begun).count());
      add_to_trace(Lane::compute, name, begun, ended);
    }
  };

  Device device_;
  bool sync_;
  std::vector<std::pair<const char*, double>> times_;
};

}  // namespace engine
