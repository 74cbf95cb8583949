// Asynchronous copies between the host and a device. On the CPU device the same calls copy at once and are
// written to the launch log.
#pragma once

#include <array>
#include <memory>

#include "engine/tensor.h"

struct CUevent_st;

namespace engine {

// The two queues of a device, which run concurrently. Kernels go to compute.
enum class Queue { compute, copy };

// A position in a queue, as a CUDA event.
class Event {
 public:
  explicit Event(Device device) : device_(device) {}
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(Queue);      // after the work queued so far
  void hold(Queue) const;  // later work of the queue waits for the event
  void wait() const;       // the host waits unless the event has passed
  bool passed() const;

 private:
  friend class HostBuffer;
  void mark(Queue);  // record() without an entry in the launch log
  void finish() const noexcept;
  Device device_;
  CUevent_st* event_ = nullptr;  // on a CUDA device: created at the first record()
};

// Host memory that a device copies from and to asynchronously: pinned for a CUDA device. Aligned to 64 bytes.
// resize() neither clears nor shrinks it.
class HostBuffer {
 public:
  explicit HostBuffer(Device device = cpu);
  ~HostBuffer();  // waits for the last copy
  HostBuffer(HostBuffer&&) noexcept;
  HostBuffer& operator=(HostBuffer&&) noexcept;

  Device device() const { return device_; }
  std::uint8_t* data() const { return bytes_; }
  std::size_t size() const { return size_; }
  void resize(std::size_t size);  // contents are lost; waits for the last copy

  // Queue a copy of the first `bytes` bytes. They must not change before copied() has passed.
  void copy_to(void* device_memory, std::size_t bytes, Queue) const;
  void copy_from(const void* device_memory, std::size_t bytes, Queue);
  const Event& copied() const { return *copied_; }

 private:
  void copy(void* to, const void* from, std::size_t bytes, Queue) const;
  void free() noexcept;
  Device device_;
  std::uint8_t* bytes_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
  std::unique_ptr<Event> copied_;
};

// Sends new values to one fixed device address each step: a learning rate, the parameters of views. The host
// waits only if it is three steps ahead of the device.
class Upload {
 public:
  Upload(Device device, std::size_t capacity) : Upload(device, {std::int64_t(capacity)}, DType::u8) {}
  Upload(Device, Shape, DType);  // of the values
  void send(const void* from, std::size_t bytes);
  std::size_t capacity() const { return slots_[0].size(); }
  const void* data() const { return to_.raw(); }                         // the device address
  Tensor tensor(Shape shape) const { return to_.slice_flat(0, shape); }  // from its first element

 private:
  Tensor to_;
  std::array<HostBuffer, 3> slots_;
  std::size_t next_ = 0;
};

// Reads a scalar of a device without stalling the device: start() queues the copy, and the caller queues more
// work before it calls value().
class LateScalar {
 public:
  explicit LateScalar(Device device) : host_(device) {}
  void start(const Tensor& scalar);  // f32 or f64
  double value();                    // waits for the copy

 private:
  HostBuffer host_;
  DType dtype_ = DType::f32;
};

}  // namespace engine
