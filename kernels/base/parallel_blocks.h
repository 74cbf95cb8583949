// Runs the blocks of a convolution or product on CPU threads. A block launches kernels and calls the vendor's
// library; both run on the calling thread, so that a block's data stays in that core's cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <type_traits>

#include "kernels/base/cpu_threads.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/stream.h"

namespace kernels {

// On CpuStream the order of launches inside a parallel region varies, so the launch log gets one entry for
// all of them.
class OneLogEntry {
 public:
  template <class Stream, class... Args>
  OneLogEntry(Stream, const char* name, Args... args) : log_(launch_log()) {
    if (log_) log_->add(name, args...);
    if (std::is_same_v<Stream, CpuStream>) launch_log() = nullptr;
  }
  ~OneLogEntry() { launch_log() = log_; }
  OneLogEntry(const OneLogEntry&) = delete;
  OneLogEntry& operator=(const OneLogEntry&) = delete;

 private:
  LaunchLog* log_;
};

// Calls f(i, slot) for every i < count. slot < `slots` numbers the scratch memory that f may use. On streams
// other than CpuStream the calls are sequential, and each launch is parallel.
template <class Stream, class F>
void for_each_block(Stream, std::int64_t count, int slots, F f) {
  if constexpr (std::is_same_v<Stream, CpuStream>) {
    std::atomic<std::int64_t> next = 0;
    std::exception_ptr error;
    std::mutex mutex;  // of error
    on_cpu_threads(slots, [&](int slot) {
      for (std::int64_t i; (i = next++) < count;) {
        try {
          f(i, slot);
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!error) error = std::current_exception();
        }
      }
    });
    if (error) std::rethrow_exception(error);
    return;
  }
  (void)slots;
  for (std::int64_t i = 0; i < count; ++i) f(i, 0);
}

}  // namespace kernels
