// What this process uses of the machine, measured from time to time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/device.h"

namespace apps {

class UsageMeter {
 public:
  using Figures = std::vector<std::pair<std::string, double>>;
  explicit UsageMeter(engine::Device);

  // Figures if it is time for some: at the first call, each second at first, and each ten seconds later; else
  // none.
  //   seconds     since this object was made
  //   rss_mb      resident memory of the process
  //   tensors_mb  at most in use by tensors on the device so far
  //   device_mb   in use on the device by all processes; of a GPU
  //   gpu_percent of the time in which the GPU is busy, where its driver says so
  //   cpu_cores   CPU time over time, since the figures before
  std::optional<Figures> operator()();

 private:
  using Clock = std::chrono::steady_clock;
  engine::Device device_;
  Clock::time_point begun_ = Clock::now(), last_ = begun_, due_ = begun_;
  double cpu_seconds_;
};

}  // namespace apps
