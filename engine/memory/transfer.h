// Bytes between the host and a device while both go on working. On the CPU device the same calls copy at
// once, and are written to the launch log.
#pragma once

#include <array>
#include <memory>

#include "engine/tensor.h"

struct CUevent_st;

namespace engine {

// A device has two queues of work, which run side by side: kernels go to compute.
enum class Queue { compute, copy };

// A mark in a queue's work.
class Event {
 public:
  explicit Event(Device device) : device_(device) {}
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void record(Queue);      // behind what has been queued so far
  void hold(Queue) const;  // what is queued from now on waits for the mark
  void wait() const;       // the host waits for it, unless it is passed
  bool passed() const;

 private:
  friend class HostBuffer;
  void mark(Queue);  // record(), which the launch log does not show
  void finish() const noexcept;
  Device device_;
  CUevent_st* event_ = nullptr;  // made when it is first recorded, on a CUDA device
};

// Memory of the host from which a device copies by itself: pinned for a CUDA device. At an address divisible
// by 64; neither cleared nor freed by resize().
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

  // Queue a copy of the first `bytes` bytes, which must stay as they are until copied().
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

// What the host gives a device anew each step, at one address there: a learning rate, the parameters of
// views. The host waits only if it is three steps ahead of the device.
class Upload {
 public:
  Upload(Device, std::size_t capacity);  // in bytes
  void send(const void* from, std::size_t bytes);
  std::size_t capacity() const { return slots_[0].size(); }
  const void* data() const { return to_.raw(); }                         // of the device
  Tensor tensor(Shape shape) const { return to_.slice_flat(0, shape); }  // u8, the beginning of it

 private:
  Tensor to_;
  std::array<HostBuffer, 3> slots_;
  std::size_t next_ = 0;
};

// Reads a scalar of a device late, so that the device is not stopped: start() queues the copy, value() is
// asked for when more work has been queued.
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
