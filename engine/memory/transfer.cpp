#include "engine/memory/transfer.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "engine/memory/cuda_device.h"
#include "engine/memory/host_wait.h"
#include "kernels/base/launch_log.h"

namespace engine {
namespace {

constexpr std::size_t kAlignment = 64;

template <class... Args>
void log(const char* what, const Args&... args) {
  if (kernels::LaunchLog* log = kernels::launch_log()) log->add(what, args...);
}

}  // namespace

Event::~Event() {
  if (event_ != nullptr) cuda::destroy_event(event_);
}

void Event::record(Queue queue) {
  log("event_record", this, queue);
  mark(queue);
}

void Event::mark(Queue queue) {
  if (device_.backend == Backend::cpu) return;
  if (event_ == nullptr) event_ = cuda::make_event(device_.index);
  cuda::record_event(event_, cuda::stream(device_.index, queue));
}

void Event::hold(Queue queue) const {
  log("event_hold", this, queue);
  if (event_ != nullptr) cuda::hold_for_event(event_, cuda::stream(device_.index, queue));
}

bool Event::passed() const { return event_ == nullptr || cuda::event_passed(event_); }

void Event::wait() const {
  if (passed()) return;
  host_waits("Event::wait");
  cuda::wait_for_event(event_);
}

void Event::finish() const noexcept {
  if (event_ != nullptr) cuda::finish_event(event_);
}

HostBuffer::HostBuffer(Device device) : device_(device), copied_(std::make_unique<Event>(device)) {}

HostBuffer::HostBuffer(HostBuffer&& other) noexcept
    : device_(other.device_),
      bytes_(std::exchange(other.bytes_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      copied_(std::move(other.copied_)) {}

HostBuffer& HostBuffer::operator=(HostBuffer&& other) noexcept {
  if (this == &other) return *this;
  free();
  device_ = other.device_;
  bytes_ = std::exchange(other.bytes_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  copied_ = std::move(other.copied_);
  return *this;
}

HostBuffer::~HostBuffer() { free(); }

void HostBuffer::free() noexcept {
  if (bytes_ == nullptr) return;
  if (copied_) copied_->finish();
  if (device_.backend == Backend::cuda)
    cuda::free_host(bytes_);
  else
    ::operator delete[](bytes_, std::align_val_t(kAlignment));
  bytes_ = nullptr;
  capacity_ = 0;
}

void HostBuffer::resize(std::size_t size) {
  if (copied_)
    copied_->wait();
  else
    copied_ = std::make_unique<Event>(device_);  // the old one was moved away
  if (size > capacity_) {
    const std::size_t capacity =
        std::max({size, capacity_ * 5 / 4, kAlignment});  // grow by a quarter: pinning is slow
    free();
    bytes_ = static_cast<std::uint8_t*>(device_.backend == Backend::cuda
                                            ? cuda::allocate_host(device_.index, capacity)
                                            : ::operator new[](capacity, std::align_val_t(kAlignment)));
    capacity_ = capacity;
  }
  size_ = size;
}

void HostBuffer::copy_to(void* device_memory, std::size_t bytes, Queue queue) const {
  require(bytes <= size_, "HostBuffer: a copy of ", bytes, " bytes of ", size_);
  host_copies("HostBuffer::copy_to");
  log("copy_to_device", device_memory, bytes, queue);
  copy(device_memory, bytes_, bytes, queue);
}

void HostBuffer::copy_from(const void* device_memory, std::size_t bytes, Queue queue) {
  require(bytes <= size_, "HostBuffer: a copy of ", bytes, " bytes into ", size_);
  host_copies("HostBuffer::copy_from");
  log("copy_to_host", device_memory, bytes, queue);
  copy(bytes_, device_memory, bytes, queue);
}

void HostBuffer::copy(void* to, const void* from, std::size_t bytes, Queue queue) const {
  if (device_.backend == Backend::cuda)
    cuda::copy(to, from, bytes, device_.index, queue);
  else if (bytes > 0)
    std::memcpy(to, from, bytes);
  copied_->mark(queue);
}

Upload::Upload(Device device, Shape shape, DType dtype)
    : to_(shape, dtype, device), slots_{HostBuffer(device), HostBuffer(device), HostBuffer(device)} {
  for (HostBuffer& slot : slots_) slot.resize(to_.bytes());
}

void Upload::send(const void* from, std::size_t bytes) {
  HostBuffer& slot = slots_[next_++ % slots_.size()];
  require(bytes <= slot.size(), "Upload: ", bytes, " bytes, expected at most ", slot.size());
  slot.copied().wait();
  if (bytes > 0) std::memcpy(slot.data(), from, bytes);
  slot.copy_to(to_.raw(), bytes, Queue::compute);
}

void LateScalar::start(const Tensor& scalar) {
  require(scalar.numel() == 1 && (scalar.dtype() == DType::f32 || scalar.dtype() == DType::f64),
          "LateScalar: the tensor is ", scalar.shape(), " ", scalar.dtype(),
          ", expected one element, f32 or f64");
  require(scalar.device() == host_.device(), "LateScalar: the tensor is on ", scalar.device(), ", expected ",
          host_.device());
  host_.resize(sizeof(double));
  dtype_ = scalar.dtype();
  host_.copy_from(scalar.raw(), scalar.bytes(), Queue::compute);
}

double LateScalar::value() {
  require(host_.size() > 0, "LateScalar: value() before start()");
  host_waits("LateScalar::value");
  host_.copied().wait();
  if (dtype_ == DType::f64) {
    double value;
    std::memcpy(&value, host_.data(), sizeof value);
    return value;
  }
  float value;
  std::memcpy(&value, host_.data(), sizeof value);
  return value;
}

}  // namespace engine
