// What the engine asks of the CUDA runtime, so that no other file of it includes a CUDA header. Every
// function but count() and those marked noexcept throws with the library's message when the runtime refuses.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/base/stream.h"

struct CUevent_st;  // the types behind cudaEvent_t and cudaGraphExec_t
struct CUgraphExec_st;

namespace engine {
enum class Queue;
}

namespace engine::cuda {

int count(std::string* why_none);  // devices that can be used; 0 with the reason, never an error
std::string description(int device);
std::size_t cache_bytes(int device);  // of its last level

// Memory. allocate() gives null where there is not enough.
struct Memory {
  std::size_t free, total;  // bytes of the device
};
Memory memory(int device);
void* allocate(int device, std::size_t bytes);
void free(int device, void*) noexcept;
void* allocate_host(int device, std::size_t bytes);  // pinned
void free_host(void*) noexcept;

// The two streams of a device: all kernels are launched on that of Queue::compute.
kernels::CudaStream stream(int device);
kernels::CudaStream stream(int device, Queue);
void copy(void* to, const void* from, std::size_t bytes, int device, Queue);
void fill(void* at, int byte, std::size_t bytes, int device);
void synchronize(int device);  // with the compute stream

// More streams, for libraries that work beside the compute stream: of the highest priority.
void use_device(int device);  // by the calling thread
CUstream_st* make_stream(int device);
void destroy_stream(CUstream_st*) noexcept;
bool is_capturing(kernels::CudaStream);  // into a graph

CUevent_st* make_event(int device);
void destroy_event(CUevent_st*) noexcept;
void record_event(CUevent_st*, kernels::CudaStream);
void hold_for_event(CUevent_st*, kernels::CudaStream);  // the stream waits
bool event_passed(CUevent_st*);
void wait_for_event(CUevent_st*);  // the host waits
void finish_event(CUevent_st*) noexcept;

// Work on the compute stream between begin and end is not run but recorded, and then launched as one.
void begin_capture(int device);
CUgraphExec_st* end_capture(int device);
void abandon_capture(int device) noexcept;
void launch_graph(CUgraphExec_st*, int device);
void destroy_graph(CUgraphExec_st*) noexcept;

}  // namespace engine::cuda
