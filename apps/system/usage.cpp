#include "apps/system/usage.h"

#include <sys/resource.h>

#include <algorithm>

#include "apps/system/memory.h"
#include "engine/memory/cuda_device.h"
#include "kernels/vendor/nvml.h"

namespace apps {
namespace {

double seconds_of(const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; }

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return seconds_of(use.ru_utime) + seconds_of(use.ru_stime);
}

}  // namespace

UsageMeter::UsageMeter(engine::Device device) : device_(device), cpu_seconds_(cpu_seconds()) {}

std::optional<UsageMeter::Figures> UsageMeter::operator()() {
  const auto now = Clock::now();
  if (now < due_) return std::nullopt;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  const double passed = seconds(now - last_), cpu = cpu_seconds();
  Figures figures = {{"seconds", seconds(now - begun_)},
                     {"rss_mb", resident_bytes() / 1e6},
                     {"tensors_mb", double(engine::memory_use(device_).peak) / 1e6}};
#ifdef DYAD_CUDA
  if (device_.backend == engine::Backend::cuda) {
    const auto memory = engine::cuda::memory(device_.index);
    figures.emplace_back("device_mb", double(memory.total - memory.free) / 1e6);
    const double busy = kernels::nvml::busy_percent(engine::cuda::pci_bus_id(device_.index));
    if (busy >= 0) figures.emplace_back("gpu_percent", busy);
  }
#endif
  if (passed > 0) figures.emplace_back("cpu_cores", (cpu - cpu_seconds_) / passed);
  last_ = now;
  cpu_seconds_ = cpu;
  due_ = now +
         std::clamp<Clock::duration>((now - begun_) / 10, std::chrono::seconds(1), std::chrono::seconds(10));
  return figures;
}

}  // namespace apps
