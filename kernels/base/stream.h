// Where work runs. A stream is the first argument of every kernel launcher, and its type picks how the one
// source of a kernel is run:
//   CpuStream   the CPU device: one thread a block, blocks over OpenMP threads; done when the launcher
//   returns SimtStream  the GPU's block sizes on the host, each CUDA thread on a fiber: how kernels are
//   checked without a GPU CudaStream  the GPU; emitted by nvcc, the other two by the C++ compiler
#pragma once

struct CUstream_st;  // the type behind cudaStream_t, so that plain C++ needs no CUDA header

namespace kernels {

struct CpuStream {};
struct SimtStream {};
struct CudaStream {
  CUstream_st* handle = nullptr;  // not owned
};

}  // namespace kernels
