// The objects that a process has one of, and what is refused of a launch.
#include <cstring>
#include <string>
#include <vector>

#include "kernels/base/check_findings.h"
#include "kernels/base/check_options.h"
#include "kernels/base/kernel_use.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/launch_record.h"
#include "kernels/simt/host.h"

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

CheckFindings& check_findings() {
  static CheckFindings findings;
  return findings;
}

void ready_memory(void* memory, std::size_t bytes) {
  if (check_options().poison_memory) std::memset(memory, check_options().poison_byte, bytes);
  simt::mark_unwritten(memory, bytes);
}

}  // namespace kernels

namespace kernels::simt {

void note_float_add(double rounding) {
  CheckFindings& findings = check_findings();
  findings.float_adds.fetch_add(1, std::memory_order_relaxed);
  findings.rounding.fetch_add(rounding, std::memory_order_relaxed);
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
