// Records host work instead of running it, and replays it any number of times. It is the CPU's counterpart of
// a CUDA graph, so that capturing a training step can be tested without a GPU.
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

// The active record, or null. While it is set, host launches and copies within the CPU device are recorded,
// not run.
LaunchRecord*& launch_record();

}  // namespace kernels
