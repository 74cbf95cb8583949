// Runs the blocks of a launch on OpenMP threads. Also holds the objects that a process has one of.
#include <cstring>
#include <exception>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/base/check_options.h"
#include "kernels/base/kernel_use.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/launch_record.h"
#include "kernels/simt/host.h"
#include "kernels/simt/random_order.h"
#ifdef _OPENMP
#include <omp.h>
#endif

#ifdef SIMT_MSAN
// Memory from malloc counts as written, since libstdc++ writes it unseen; mark_unwritten is called after.
extern "C" void __sanitizer_malloc_hook(const volatile void* begin, std::size_t bytes) {
  __msan_unpoison(begin, bytes);
}
extern "C" void __sanitizer_free_hook(const volatile void*) {}
#endif

namespace kernels {

LaunchLog*& launch_log() {
  static LaunchLog* log = nullptr;
  return log;
}

LaunchRecord*& launch_record() {
  static LaunchRecord* record = nullptr;
  return record;
}

std::vector<KernelUse>*& kernel_uses() {
  static std::vector<KernelUse>* uses = nullptr;
  return uses;
}

CheckOptions& check_options() {
  static CheckOptions options;
  return options;
}

void ready_memory(void* memory, std::size_t bytes) {
  if (check_options().poison_memory) std::memset(memory, check_options().poison_byte, bytes);
  simt::mark_unwritten(memory, bytes);
}

}  // namespace kernels

namespace kernels::simt {
namespace {

// On the calling thread, in the order that the check options ask for.
void run_in_order(std::uint64_t blocks, RunBlocks run, const void* launch) {
  const std::uint64_t seed = check_options().order_seed;
  if (!seed || blocks > 1u << 20) return run(launch, 0, blocks);
  std::vector<unsigned> order(blocks);
  std::iota(order.begin(), order.end(), 0u);
  RandomOrder(seed, blocks).shuffle(order);
  for (unsigned b : order) run(launch, b, b + 1);
}

#ifdef _OPENMP
void run_in_parallel(std::uint64_t blocks, RunBlocks run, const void* launch, int workers) {
  const std::uint64_t piece = std::max<std::uint64_t>(1, blocks / (std::uint64_t(workers) * 8));
  const std::int64_t pieces = static_cast<std::int64_t>((blocks + piece - 1) / piece);
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t i = 0; i < pieces; ++i) {
    try {
      const std::uint64_t begin = static_cast<std::uint64_t>(i) * piece;
      run(launch, begin, std::min(blocks, begin + piece));
    } catch (...) {
#pragma omp critical
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}
#endif

// ThreadSanitizer: the host learns what a launch did when the launch is over, and not before, so that the
// launch's blocks are unordered.
struct LaunchEdges {
  LaunchEdges() { begin_launch(); }
  ~LaunchEdges() { end_launch(); }
  LaunchEdges(const LaunchEdges&) = delete;
  LaunchEdges& operator=(const LaunchEdges&) = delete;
};

}  // namespace

void parallel_blocks(std::uint64_t blocks, RunBlocks run, const void* launch, std::size_t bytes) {
  if (LaunchRecord* record = launch_record()) {
    struct alignas(64) Copy {
      unsigned char bytes[1024];
    };
    if (bytes > sizeof(Copy)) throw SimtError("a launch of " + std::to_string(bytes) + " bytes is recorded");
    const auto copy = std::make_shared<Copy>();
    std::memcpy(copy->bytes, launch, bytes);
    return record->add([=] { parallel_blocks(blocks, run, copy->bytes, bytes); });
  }
  if constexpr (tsan) {
    const LaunchEdges edges;
    return run_in_order(blocks, run, launch);
  }
#ifdef _OPENMP
  const int workers = omp_get_max_threads();
  if (blocks > 1 && workers > 1 && !omp_in_parallel() && !check_options().order_seed)
    return run_in_parallel(blocks, run, launch, workers);
#endif
  run_in_order(blocks, run, launch);
}

std::string to_string(const LaunchSite& site) {
  return launcher_name(site.launcher) + " (" + site.file + ":" + std::to_string(site.line) + ")";
}

void check_grid(const LaunchSite& site, dim3 blocks, dim3 threads, std::size_t shared_bytes, bool fibers) {
  const auto refuse = [&](const std::string& what) { throw SimtError(to_string(site) + ": " + what); };
  const auto text = [](dim3 d) {
    return std::to_string(d.x) + " x " + std::to_string(d.y) + " x " + std::to_string(d.z);
  };
  if (!blocks.x || !blocks.y || !blocks.z || blocks.x > 0x7fffffffu || blocks.y > 65535 || blocks.z > 65535)
    refuse("a grid of " + text(blocks) + " blocks; CUDA allows 1 to 2147483647 x 65535 x 65535");
  if (!threads.x || !threads.y || !threads.z || threads.x > max_threads || threads.y > max_threads ||
      threads.z > 64 || threads.x * threads.y * threads.z > max_threads)
    refuse("a block of " + text(threads) + " threads; CUDA allows 1 to 1024, and 64 in z");
  if (!fibers && threads.x * threads.y * threads.z != 1)
    refuse("a block of " + text(threads) + " threads on CpuStream, which takes 1");
  if (shared_bytes > max_shared)
    refuse(std::to_string(shared_bytes) + " bytes of dynamic shared memory; a GPU has " +
           std::to_string(max_shared));
}

}  // namespace kernels::simt
