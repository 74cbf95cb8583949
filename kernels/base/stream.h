// Where work runs. A stream is the first argument of every kernel launcher. Its type selects how the kernel,
// which has one source, runs:
//   CpuStream   the CPU device: one thread per block, blocks over OpenMP threads; done on return
//   SimtStream  the GPU's block sizes on the host, each CUDA thread on a fiber: checks kernels without a GPU
//   CudaStream  the GPU; compiled by nvcc, the other two by the C++ compiler
#pragma once

struct CUstream_st;  // the type behind cudaStream_t, so that plain C++ needs no CUDA header

namespace kernels {

struct CpuStream {};
struct SimtStream {};
struct CudaStream {
  CUstream_st* handle = nullptr;  // not owned
};

}  // namespace kernels
