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

// Parses "cpu", "cuda" or "cuda:1". UsageError for any other text, and for a CUDA device that does not exist.
Device parse_device(const std::string& text);
std::ostream& operator<<(std::ostream&, Device);

// How the CPU device runs kernels. host: one thread per block (fast). gpu: the GPU's block sizes on fibers,
// to check kernels.
enum class Threads { host, gpu };
Threads& cpu_threads();

// Memory on one device. It returns to the device's pool when the last tensor that shares it is destroyed. A
// pool hands out the lowest free address that fits, so a warm training step gets the same addresses as the
// step before.
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

// The message names the device and the bytes requested, in use, free and in total. The program ends with it.
struct OutOfMemory : std::runtime_error {
  std::string made;  // what was being made (Making)
  OutOfMemory(Device, std::size_t wanted, std::size_t in_use, std::size_t free, std::size_t total);
};

// Keeps the memory that tensors of a device get while the reservation is open from being reused until the
// reservation is destroyed. A captured graph writes to that memory at each launch.
class MemoryReservation {
 public:
  explicit MemoryReservation(Device);
  ~MemoryReservation();
  void close();  // later allocations are not reserved
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;

 private:
  Device device_;
  bool open_ = true;
  std::vector<void*> blocks_;
};

// Copies between any two devices, in order with the work on both. If either end is the host, the copy is done
// on return (see host_wait.h). transfer.h has asynchronous copies.
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
