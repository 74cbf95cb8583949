// Devices, the memory they own and the stream on which their work runs.
#pragma once

#include <cstddef>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/base/stream.h"

namespace engine {

enum class Backend { cpu, cuda };

struct Device {
  Backend backend = Backend::cpu;
  int index = 0;
  bool operator==(const Device&) const = default;
};

inline constexpr Device cpu{};

// "cpu", "cuda" or "cuda:1"; refuses others, and a CUDA device that is not there, with a line that says why.
Device parse_device(const std::string& text);
std::ostream& operator<<(std::ostream&, Device);

// How the CPU device runs kernels: one thread a block (fast), or the GPU's block sizes on fibers (what is
// checked).
enum class Threads { host, gpu };
Threads& cpu_threads();

// Bytes on one device; they go back to the device's pool when the last tensor that shares them goes. A pool
// hands out the lowest free address of a size, so a warm training step gets the same addresses as the step
// before.
class Storage {
 public:
  Storage(Device device, std::size_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

 private:
  Device device_;
  std::size_t bytes_;
  void* data_;
};

struct MemoryUse {
  std::size_t now, peak;  // bytes in use by tensors
};
MemoryUse memory_use(Device);
void reset_peak_memory(Device);

// One line: the device, how much was wanted, is in use and there is in all. The program ends with it.
struct OutOfMemory : std::runtime_error {
  OutOfMemory(Device, std::size_t wanted, std::size_t in_use, std::size_t free, std::size_t total);
};

// While one lives, memory that a device's tensors have had since it was made is not
// given to others: what a captured graph writes whenever it is launched.
class MemoryReservation {
 public:
  explicit MemoryReservation(Device);
  ~MemoryReservation();
  void close();  // what is allocated from now on is not reserved
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;

 private:
  Device device_;
  bool open_ = true;
  std::vector<void*> blocks_;
};

// Copies between any two devices, in order with the work on both; done on return if either end is the host
// (see host_wait.h; transfer.h has copies that nobody waits for).
void copy_bytes(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes);

// Waits until all work on the device is done.
void synchronize(Device);

kernels::CudaStream cuda_stream(Device);

// Calls f(stream) with the stream of the device.
template <class F>
void on_stream(Device device, F f) {
#ifdef DYAD_CUDA
  if (device.backend == Backend::cuda) return f(cuda_stream(device));
#endif
  (void)device;
#ifndef DYAD_SIMT_ONLY
  if (cpu_threads() == Threads::host) return f(kernels::CpuStream{});
#endif
  f(kernels::SimtStream{});
}

}  // namespace engine
