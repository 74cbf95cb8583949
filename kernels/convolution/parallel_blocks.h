// A team of CPU threads over the blocks of a convolution. A block launches kernels and calls the vendor's
// library; inside, both run on the calling thread, so that what a block makes stays in that core's cache.
#pragma once

#include <cstdint>
#include <exception>
#include <type_traits>

#include "kernels/base/launch_log.h"
#include "kernels/base/stream.h"
#ifdef _OPENMP
#include <omp.h>
#endif

namespace kernels {

inline int cpu_workers() {
#ifdef _OPENMP
  return omp_in_parallel() ? 1 : omp_get_max_threads();
#else
  return 1;
#endif
}

// On CpuStream, launches inside a parallel region come in any order, so the log gets one entry for all of
// them.
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

// f(i, slot) for every i < count; a slot, below `slots`, is the scratch memory that f may use. On a stream
// other than CpuStream one after another, and each launch is spread out by itself.
template <class Stream, class F>
void for_each_block(Stream, std::int64_t count, int slots, F f) {
#ifdef _OPENMP
  if constexpr (std::is_same_v<Stream, CpuStream>) {
    std::exception_ptr error;
#pragma omp parallel num_threads(slots)
    {
      omp_set_num_threads(1);  // of this thread's own regions: the library asks
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t i = 0; i < count; ++i) {
        try {
          f(i, omp_get_thread_num());
        } catch (...) {
#pragma omp critical
          if (!error) error = std::current_exception();
        }
      }
    }
    if (error) std::rethrow_exception(error);
    return;
  }
#endif
  (void)slots;
  for (std::int64_t i = 0; i < count; ++i) f(i, 0);
}

// While one lives, the vendor's library plans for one thread, as inside for_each_block.
class PlanForOneThread {
 public:
#ifdef _OPENMP
  PlanForOneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~PlanForOneThread() { omp_set_num_threads(before_); }

 private:
  int before_;

 public:
#else
  PlanForOneThread() = default;
#endif
  PlanForOneThread(const PlanForOneThread&) = delete;
  PlanForOneThread& operator=(const PlanForOneThread&) = delete;
};

// The parts into which a weight gradient is cut, each summed by one thread; the parts' sums are added in
// order. It depends on the shape only, so results do not depend on the number of threads.
inline int gradient_parts(std::int64_t images, std::int64_t filter_elements) {
  constexpr std::int64_t most = 8, memory = std::int64_t(1) << 22;  // elements of all parts together
  const std::int64_t fit = memory / (filter_elements > 0 ? filter_elements : 1);
  const std::int64_t parts = fit < most ? fit : most;
  return int(parts < 1 || images < 1 ? 1 : parts < images ? parts : images);
}

}  // namespace kernels
