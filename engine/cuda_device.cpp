#include "engine/cuda_device.h"

#ifdef DYAD_CUDA
#include <cuda_runtime.h>

#include "kernels/check_cuda.h"

namespace engine::cuda {

using kernels::check;

int count(std::string* why_none) {
  int devices = 0;  // cudaGetDeviceCount leaves it untouched where there is no driver
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess) {
    cudaGetLastError();  // the failure must not be reported again by the next launch
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

void* allocate(int device, std::size_t bytes) {
  check(cudaSetDevice(device));
  void* p = nullptr;
  check(cudaMalloc(&p, bytes));
  return p;
}

kernels::CudaStream stream(int device) {
  static cudaStream_t streams[64] = {};
  cudaStream_t& s = streams[device];
  if (s == nullptr) {
    check(cudaSetDevice(device));
    check(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  }
  return {s};
}

void copy(void* to, const void* from, std::size_t bytes, int device, bool wait) {
  const cudaStream_t s = stream(device).handle;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, s));
  if (wait) check(cudaStreamSynchronize(s));
}

void fill(void* at, int byte, std::size_t bytes, int device) {
  check(cudaMemsetAsync(at, byte, bytes, stream(device).handle));
}

void synchronize(int device) { check(cudaStreamSynchronize(stream(device).handle)); }

}  // namespace engine::cuda

#else

#include "engine/error.h"

namespace engine::cuda {

int count(std::string* why_none) {
  *why_none = "this dyad was built without CUDA (configure with -DDYAD_CUDA=ON)";
  return 0;
}

// Not reached: without CUDA no tensor can name a CUDA device (parse_device and Storage refuse it).
[[noreturn]] static void none() { throw UsageError("cuda: this dyad was built without CUDA"); }
std::string description(int) { none(); }
void* allocate(int, std::size_t) { none(); }
kernels::CudaStream stream(int) { none(); }
void copy(void*, const void*, std::size_t, int, bool) { none(); }
void fill(void*, int, std::size_t, int) { none(); }
void synchronize(int) { none(); }

}  // namespace engine::cuda
#endif
