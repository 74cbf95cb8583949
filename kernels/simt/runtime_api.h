// Functions of CUDA's runtime for host code that allocates memory and launches kernels, for the host
// compilers: "device" memory is the host's, and all work is done when a call returns. Included by those who
// want it; kernels/simt.h does not need it. Sizes are in bytes.
#pragma once

#ifdef __CUDACC__
#include <cuda_runtime.h>
#else

#include <cstdlib>
#include <cstring>

#include "kernels/base/check_options.h"

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind {
  cudaMemcpyHostToHost = 0,
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};
struct CUstream_st;
using cudaStream_t = CUstream_st*;

// Memory that holds anything, as a GPU's does; AddressSanitizer knows its exact size.
template <class T>
inline cudaError_t cudaMalloc(T** p, std::size_t bytes) {
  if (p == nullptr) return cudaErrorInvalidValue;
  *p = static_cast<T*>(std::malloc(bytes));
  if (*p == nullptr && bytes != 0) return cudaErrorMemoryAllocation;
  kernels::ready_memory(*p, bytes);
  return cudaSuccess;
}
template <class T>
inline cudaError_t cudaMallocManaged(T** p, std::size_t bytes) {
  return cudaMalloc(p, bytes);
}
template <class T>
inline cudaError_t cudaMallocHost(T** p, std::size_t bytes) {
  return cudaMalloc(p, bytes);
}
template <class T>
inline cudaError_t cudaMallocAsync(T** p, std::size_t bytes, cudaStream_t) {
  return cudaMalloc(p, bytes);
}
inline cudaError_t cudaFree(void* p) {
  std::free(p);
  return cudaSuccess;
}
inline cudaError_t cudaFreeHost(void* p) { return cudaFree(p); }
inline cudaError_t cudaFreeAsync(void* p, cudaStream_t) { return cudaFree(p); }

inline cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  if (bytes != 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t = nullptr) {
  return cudaMemcpy(to, from, bytes, kind);
}
inline cudaError_t cudaMemset(void* p, int value, std::size_t bytes) {
  if (bytes != 0) std::memset(p, value, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t = nullptr) {
  return cudaMemset(p, value, bytes);
}

// Errors of a launch are exceptions here (SimtError), so these have nothing to tell.
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
  }
  return "unrecognized error code";
}

#endif
