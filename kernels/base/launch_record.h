// Work that is kept instead of being run, to be run as often as wanted: on the host what a CUDA graph is on
// the GPU, so that capturing a training step can be tested without one.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace kernels {

class LaunchRecord {
 public:
  void add(std::function<void()> work) { work_.push_back(std::move(work)); }
  void run() const {
    for (const auto& work : work_) work();
  }
  std::size_t size() const { return work_.size(); }

 private:
  std::vector<std::function<void()>> work_;
};

// The record in use, or null. Host launches and copies inside the CPU device are added to it, and not run.
LaunchRecord*& launch_record();

}  // namespace kernels
