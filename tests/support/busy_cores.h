// Threads in an endless loop, two for each core, as long as an object exists.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

class BusyCores {
 public:
  BusyCores() {
    const unsigned count = 2 * std::thread::hardware_concurrency();
    for (unsigned i = 0; i < count; ++i)
      threads_.emplace_back([this] {
        while (!stop_) {
        }
      });
  }
  ~BusyCores() {
    stop_ = true;
    for (std::thread& t : threads_) t.join();
  }
  BusyCores(const BusyCores&) = delete;
  BusyCores& operator=(const BusyCores&) = delete;

 private:
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};
