#include "engine/device.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "engine/error.h"
#include "engine/memory/cuda_device.h"
#include "engine/memory/failed_allocation.h"
#include "engine/memory/host_wait.h"
#include "engine/memory/pool.h"
#include "engine/memory/transfer.h"
#include "kernels/base/check_options.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/launch_record.h"

namespace engine {
namespace {

// The host gives memory when it is first used, so a chunk may be most of what the machine has. (Not under a
// sanitizer, which marks all of a chunk at once.)
std::size_t host_chunk() {
#ifdef DYAD_SIMT_ONLY
  return std::size_t(64) << 20;
#else
  return std::size_t(sysconf(_SC_PHYS_PAGES)) / 4 * 3 * std::size_t(sysconf(_SC_PAGESIZE));
#endif
}

// A new 4 KB page costs microseconds, so the pool uses huge pages and keeps them.
void* grow_host(std::size_t bytes) {
  constexpr std::size_t kHuge = std::size_t(2) << 20;
  void* p = std::aligned_alloc(kHuge, bytes);
  if (p != nullptr) madvise(p, bytes, MADV_HUGEPAGE);  // may fail: the memory is then only slower
  return p;
}

Pool& pool(Device device) {
  static std::mutex mutex;
  // never destroyed: tensors of static lifetime give their memory back at the very end
  static auto& pools = *new std::map<std::pair<Backend, int>, Pool>;
  const std::lock_guard lock(mutex);
  const auto allocate = [device](std::size_t bytes) {
    host_waits("new memory for the pool");  // cudaMalloc may stall the device; a warm step never calls it
    return device.backend == Backend::cuda ? cuda::allocate(device.index, bytes) : grow_host(bytes);
  };
  const auto release = [device](void* chunk) {
    if (device.backend == Backend::cuda)
      cuda::free(device.index, chunk);  // waits until the device has finished with the chunk
    else
      std::free(chunk);
  };
  Pool::Source source{allocate, release};
  if (device.backend == Backend::cpu) source.chunk = host_chunk();
  return pools.try_emplace({device.backend, device.index}, std::move(source)).first->second;
}

}  // namespace

Device parse_device(const std::string& text) {
  if (text == "cpu") return cpu;
  int index = 0;
  if (text != "cuda") {
    const bool numbered = text.rfind("cuda:", 0) == 0 && text.size() > 5 && text.size() < 8 &&
                          text.find_first_not_of("0123456789", 5) == std::string::npos;
    if (!numbered)
      throw UsageError(concat_text("device is \"", text, "\", expected cpu, cuda or cuda:N",
                                   text == "gpu" ? "; a GPU is cuda" : ""));
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

std::string gigabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f GiB", double(bytes) / double(1 << 30));
  return text;
}

[[noreturn]] void out_of_memory(Device device, std::size_t wanted) {
  cuda::Memory memory;
  if (device.backend == Backend::cuda) {
    memory = cuda::memory(device.index);
  } else {
    const auto page = std::size_t(sysconf(_SC_PAGESIZE));
    memory = {std::size_t(sysconf(_SC_AVPHYS_PAGES)) * page, std::size_t(sysconf(_SC_PHYS_PAGES)) * page};
  }
  throw OutOfMemory(device, wanted, pool(device).in_use(), memory.free, memory.total);
}

#ifdef DYAD_SIMT_ONLY
// Sanitizer builds: one allocation of the exact size per tensor, since a pool would hide overruns.
void* allocate(Device device, std::size_t bytes) {
  void* p = nullptr;
  if (posix_memalign(&p, 128, std::max<std::size_t>(bytes, 1)) != 0) out_of_memory(device, bytes);
  return p;
}
void release(Device, void* p) { std::free(p); }
#else
void* allocate(Device device, std::size_t bytes) {
  void* p = pool(device).allocate(bytes);
  if (p == nullptr) out_of_memory(device, bytes);
  return p;
}
void release(Device device, void* p) { pool(device).free(p); }
#endif

}  // namespace

OutOfMemory::OutOfMemory(Device device, std::size_t wanted, std::size_t in_use, std::size_t free,
                         std::size_t total)
    : std::runtime_error(concat_text(device, " is out of memory: ", gigabytes(wanted), " wanted for ",
                                     being_made(), ", ", gigabytes(in_use), " in use by tensors, ",
                                     gigabytes(free), " of ", gigabytes(total), " free")),
      made(being_made()) {}

MemoryReservation::MemoryReservation(Device device) : device_(device) { pool(device).begin_reserve(); }

void MemoryReservation::close() {
  if (std::exchange(open_, false)) blocks_ = pool(device_).end_reserve();
}

MemoryReservation::~MemoryReservation() {
  close();
  for (void* block : blocks_) pool(device_).free(block);
}

Storage::Storage(Device device, std::size_t bytes)
    : device_(device), bytes_(bytes), data_(allocate(device, bytes)) {
  if (device.backend == Backend::cpu) kernels::ready_memory(data_, bytes);
}
Storage::~Storage() { release(device_, data_); }

MemoryUse memory_use(Device d) { return {pool(d).in_use(), pool(d).peak()}; }
void reset_peak_memory(Device d) { pool(d).reset_peak(); }

void copy_bytes(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes) {
  if (kernels::LaunchLog* log = kernels::launch_log()) log->add("copy_bytes", to, bytes);
  if (to_device.backend == Backend::cpu && from_device.backend == Backend::cpu) {
    if (bytes == 0) return;
    if (kernels::LaunchRecord* record = kernels::launch_record())
      return record->add([=] { std::memcpy(to, from, bytes); });
    std::memcpy(to, from, bytes);
    return;
  }
  const bool host_end = to_device.backend == Backend::cpu || from_device.backend == Backend::cpu;
  const Device d = to_device.backend == Backend::cuda ? to_device : from_device;
  if (host_end) host_waits("copy_bytes");
  cuda::copy(to, from, bytes, d.index, Queue::compute);
  if (host_end) cuda::synchronize(d.index);
}

void synchronize(Device d) {
  host_waits("synchronize");
  if (d.backend == Backend::cuda) cuda::synchronize(d.index);
}

kernels::CudaStream cuda_stream(Device d) { return cuda::stream(d.index); }

}  // namespace engine
