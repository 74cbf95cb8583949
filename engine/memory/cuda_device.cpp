#include "engine/memory/cuda_device.h"

#include "engine/memory/transfer.h"

#ifdef DYAD_CUDA
#include <cuda_runtime.h>

#include "kernels/base/check_cuda.h"
#ifdef DYAD_CUDNN
#include "engine/files/cudnn_plan_cache.h"
#endif

namespace engine::cuda {

using kernels::check;

int count(std::string* why_none) {
  int devices = 0;  // cudaGetDeviceCount does not set it if there is no driver
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess) {
    cudaGetLastError();  // clears the error, or the next launch would report it
    *why_none = cudaGetErrorString(status);
    return 0;
  }
  if (devices == 0) *why_none = "the driver reports no device";
  return devices;
}

std::string description(int device) {
  cudaDeviceProp p;
  check(cudaGetDeviceProperties(&p, device));
  return std::string(p.name) + ", sm_" + std::to_string(p.major) + std::to_string(p.minor) + ", " +
         std::to_string(p.multiProcessorCount) + " SM, " + std::to_string(p.totalGlobalMem >> 30) + " GiB";
}

std::string pci_bus_id(int device) {
  char text[32];
  check(cudaDeviceGetPCIBusId(text, sizeof text, device));
  return text;
}

std::size_t cache_bytes(int device) {
  int bytes = 0;
  check(cudaDeviceGetAttribute(&bytes, cudaDevAttrL2CacheSize, device));
  return std::size_t(bytes);
}

Memory memory(int device) {
  Memory m{};
  check(cudaSetDevice(device));
  check(cudaMemGetInfo(&m.free, &m.total));
  return m;
}

void* allocate(int device, std::size_t bytes) {
  check(cudaSetDevice(device));
  void* p = nullptr;
  const cudaError_t status = cudaMalloc(&p, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status);
  return p;
}

void free(int device, void* p) noexcept {
  cudaSetDevice(device);
  cudaFree(p);
}

void* allocate_host(int device, std::size_t bytes) {
  check(cudaSetDevice(device));
  void* p = nullptr;
  check(cudaHostAlloc(&p, bytes, cudaHostAllocDefault), "pinned host memory");
  return p;
}

void free_host(void* p) noexcept { cudaFreeHost(p); }

kernels::CudaStream stream(int device, Queue queue) {
  static cudaStream_t streams[64][2] = {};
  cudaStream_t& s = streams[device][int(queue)];
  if (s == nullptr) {
    check(cudaSetDevice(device));
    check(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
#ifdef DYAD_CUDNN
    kernels::cudnn::set_plan_store(open_cudnn_plan_cache);  // before anything asks for a plan
#endif
  }
  return {s};
}

kernels::CudaStream stream(int device) { return stream(device, Queue::compute); }

void copy(void* to, const void* from, std::size_t bytes, int device, Queue queue) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream(device, queue).handle));
}

void fill(void* at, int byte, std::size_t bytes, int device) {
  check(cudaMemsetAsync(at, byte, bytes, stream(device).handle));
}

void synchronize(int device) { check(cudaStreamSynchronize(stream(device).handle)); }

void use_device(int device) { check(cudaSetDevice(device)); }

CUstream_st* make_stream(int device) {
  use_device(device);
  cudaStream_t s = nullptr;
  int lowest = 0, highest = 0;
  check(cudaDeviceGetStreamPriorityRange(&lowest, &highest));
  check(cudaStreamCreateWithPriority(&s, cudaStreamNonBlocking, highest));
  return s;
}

void destroy_stream(CUstream_st* s) noexcept { cudaStreamDestroy(s); }

bool is_capturing(kernels::CudaStream s) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check(cudaStreamIsCapturing(s.handle, &status));
  return status != cudaStreamCaptureStatusNone;
}

CUevent_st* make_event(int device) {
  check(cudaSetDevice(device));
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return event;
}

void destroy_event(CUevent_st* event) noexcept { cudaEventDestroy(event); }
void record_event(CUevent_st* event, kernels::CudaStream s) { check(cudaEventRecord(event, s.handle)); }
void hold_for_event(CUevent_st* event, kernels::CudaStream s) {
  check(cudaStreamWaitEvent(s.handle, event, 0));
}

bool event_passed(CUevent_st* event) {
  const cudaError_t status = cudaEventQuery(event);
  if (status == cudaErrorNotReady) {
    cudaGetLastError();  // clears the error, or the next launch would report it
    return false;
  }
  check(status);
  return true;
}

void wait_for_event(CUevent_st* event) { check(cudaEventSynchronize(event)); }
void finish_event(CUevent_st* event) noexcept { cudaEventSynchronize(event); }

void begin_capture(int device) {
  check(cudaStreamBeginCapture(stream(device).handle, cudaStreamCaptureModeThreadLocal));
}

CUgraphExec_st* end_capture(int device) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t runnable = nullptr;
  check(cudaStreamEndCapture(stream(device).handle, &graph));
  const cudaError_t status = cudaGraphInstantiate(&runnable, graph, 0);
  cudaGraphDestroy(graph);
  check(status, "cudaGraphInstantiate");
  return runnable;
}

void abandon_capture(int device) noexcept {
  cudaGraph_t graph = nullptr;
  cudaStreamEndCapture(stream(device).handle, &graph);
  if (graph != nullptr) cudaGraphDestroy(graph);
  cudaGetLastError();
}

void launch_graph(CUgraphExec_st* graph, int device) { check(cudaGraphLaunch(graph, stream(device).handle)); }

void destroy_graph(CUgraphExec_st* graph) noexcept { cudaGraphExecDestroy(graph); }

}  // namespace engine::cuda

#else

#include "engine/error.h"

namespace engine::cuda {

int count(std::string* why_none) {
  *why_none = "this dyad was built without CUDA (configure with -DDYAD_CUDA=ON)";
  return 0;
}

// Never called: without CUDA, parse_device and Storage refuse a CUDA device.
[[noreturn]] static void none() { throw UsageError("cuda: this dyad was built without CUDA"); }
std::string description(int) { none(); }
std::string pci_bus_id(int) { none(); }
std::size_t cache_bytes(int) { none(); }
Memory memory(int) { none(); }
void* allocate(int, std::size_t) { none(); }
void free(int, void*) noexcept {}
void* allocate_host(int, std::size_t) { none(); }
void free_host(void*) noexcept {}
kernels::CudaStream stream(int) { none(); }
kernels::CudaStream stream(int, Queue) { none(); }
void copy(void*, const void*, std::size_t, int, Queue) { none(); }
void fill(void*, int, std::size_t, int) { none(); }
void synchronize(int) { none(); }
void use_device(int) { none(); }
CUstream_st* make_stream(int) { none(); }
void destroy_stream(CUstream_st*) noexcept {}
bool is_capturing(kernels::CudaStream) { none(); }
CUevent_st* make_event(int) { none(); }
void destroy_event(CUevent_st*) noexcept {}
void record_event(CUevent_st*, kernels::CudaStream) { none(); }
void hold_for_event(CUevent_st*, kernels::CudaStream) { none(); }
bool event_passed(CUevent_st*) { none(); }
void wait_for_event(CUevent_st*) { none(); }
void finish_event(CUevent_st*) noexcept {}
void begin_capture(int) { none(); }
CUgraphExec_st* end_capture(int) { none(); }
void abandon_capture(int) noexcept {}
void launch_graph(CUgraphExec_st*, int) { none(); }
void destroy_graph(CUgraphExec_st*) noexcept {}

}  // namespace engine::cuda
#endif
