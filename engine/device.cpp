#include "engine/device.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <new>

#include "engine/cuda_device.h"
#include "engine/error.h"
#include "engine/pool.h"
#include "kernels/check_options.h"

namespace engine {
namespace {

// A fresh 4 KB page costs microseconds, so memory comes in huge pages and is kept.
void* grow_host(std::size_t bytes) {
  constexpr std::size_t kHuge = std::size_t(2) << 20;
  void* p = std::aligned_alloc(kHuge, bytes);
  if (p == nullptr) throw std::bad_alloc();
  madvise(p, bytes, MADV_HUGEPAGE);  // advice: without it the memory is slower, not wrong
  return p;
}

Pool& pool(Device device) {
  static std::mutex mutex;
  static std::map<std::pair<Backend, int>, Pool> pools;
  const std::lock_guard lock(mutex);
  const auto grow = [device](std::size_t bytes) {
    return device.backend == Backend::cuda ? cuda::allocate(device.index, bytes) : grow_host(bytes);
  };
  return pools.try_emplace({device.backend, device.index}, grow).first->second;
}

}  // namespace

Device parse_device(const std::string& text) {
  if (text == "cpu") return cpu;
  int index = 0;
  if (text != "cuda") {
    const bool numbered = text.rfind("cuda:", 0) == 0 && text.size() > 5 && text.size() < 8 &&
                          text.find_first_not_of("0123456789", 5) == std::string::npos;
    if (!numbered) throw UsageError("device is \"" + text + "\", expected cpu, cuda or cuda:N");
    index = std::stoi(text.substr(5));
  }
  std::string why;
  const int devices = cuda::count(&why);
  if (devices == 0) throw UsageError("device " + text + ": no CUDA device can be used: " + why);
  if (index >= devices)
    throw UsageError("device " + text + ": there are " + std::to_string(devices) +
                     " CUDA devices, numbered from 0");
  return {Backend::cuda, index};
}

std::ostream& operator<<(std::ostream& out, Device d) {
  if (d.backend == Backend::cpu) return out << "cpu";
  return out << "cuda:" << d.index;
}

Threads& cpu_threads() {
#ifdef DYAD_SIMT_ONLY
  static Threads threads = Threads::gpu;
#else
  static Threads threads = Threads::host;
#endif
  return threads;
}

namespace {

#ifdef DYAD_SIMT_ONLY
// Sanitizer builds: one allocation a tensor, since a pool would hide overruns.
void* allocate(Device, std::size_t bytes) {
  void* p = std::aligned_alloc(128, (bytes / 128 + 1) * 128);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}
void release(Device, void* p) { std::free(p); }
#else
void* allocate(Device device, std::size_t bytes) { return pool(device).allocate(bytes); }
void release(Device device, void* p) { pool(device).free(p); }
#endif

}  // namespace

Storage::Storage(Device device, std::size_t bytes)
    : device_(device), bytes_(bytes), data_(allocate(device, bytes)) {
  if (kernels::check_options().poison_memory && device.backend == Backend::cpu) kernels::poison(data_, bytes);
}
Storage::~Storage() { release(device_, data_); }

MemoryUse memory_use(Device d) { return {pool(d).in_use(), pool(d).peak()}; }
void reset_peak_memory(Device d) { pool(d).reset_peak(); }

void copy_bytes(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes) {
  if (to_device.backend == Backend::cpu && from_device.backend == Backend::cpu) {
    if (bytes > 0) std::memcpy(to, from, bytes);
    return;
  }
  const bool host_end = to_device.backend == Backend::cpu || from_device.backend == Backend::cpu;
  const Device d = to_device.backend == Backend::cuda ? to_device : from_device;
  cuda::copy(to, from, bytes, d.index, host_end);
}

void synchronize(Device d) {
  if (d.backend == Backend::cuda) cuda::synchronize(d.index);
}

kernels::CudaStream cuda_stream(Device d) { return cuda::stream(d.index); }

}  // namespace engine
