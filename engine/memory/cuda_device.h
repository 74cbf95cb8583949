// The engine's calls of the CUDA runtime; no other file of engine/ includes a CUDA header. If the runtime
// reports an error, a function throws with the runtime's message, except count() and the noexcept functions.
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

int count(std::string* why_none);  // usable devices; 0 and the reason if there are none, never an error
std::string description(int device);
std::string pci_bus_id(int device);   // "0000:1b:00.0", by which other tools know it
std::size_t cache_bytes(int device);  // of the last-level cache

// Memory. allocate() returns null if there is not enough.
struct Memory {
  std::size_t free, total;  // bytes of the device
};
Memory memory(int device);
void* allocate(int device, std::size_t bytes);
void free(int device, void*) noexcept;
void* allocate_host(int device, std::size_t bytes);  // pinned
void free_host(void*) noexcept;

// The two streams of a device. All kernels are launched on Queue::compute, which the first form returns.
kernels::CudaStream stream(int device);
kernels::CudaStream stream(int device, Queue);
void copy(void* to, const void* from, std::size_t bytes, int device, Queue);
void fill(void* at, int byte, std::size_t bytes, int device);
void synchronize(int device);  // waits for the compute stream

// Further streams, of the highest priority, for libraries whose work overlaps with the compute stream.
void use_device(int device);  // for the calling thread
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

// Work on the compute stream between begin and end is recorded, not run. launch_graph() then runs all of it.
void begin_capture(int device);
CUgraphExec_st* end_capture(int device);
void abandon_capture(int device) noexcept;
void launch_graph(CUgraphExec_st*, int device);
void destroy_graph(CUgraphExec_st*) noexcept;

}  // namespace engine::cuda
