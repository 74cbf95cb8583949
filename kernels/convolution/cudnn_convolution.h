// Convolution by cuDNN, on the CUDA device in f32 and bf16. Only in builds with DYAD_CUDNN.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels {

// Whether cuDNN has an engine for it.
template <class T>
bool cudnn_can(const ConvolutionShape&, Pass);
template <class T>
const char* cudnn_engine(const ConvolutionShape&, Pass);  // "cudnn engine 47"

// The arguments of the functions of kernels/convolution/convolution.h.
template <class T>
void cudnn_forward(CudaStream, const ConvolutionShape&, const T* x, const float* filter, T* y,
                   void* workspace);
template <class T>
void cudnn_backward_data(CudaStream, const ConvolutionShape&, const T* dy, const float* filter, T* dx,
                         bool accumulate, void* workspace);
template <class T>
void cudnn_backward_weights(CudaStream, const ConvolutionShape&, const T* x, const T* dy, float* d_filter,
                            bool accumulate, void* workspace);
template <class T>
std::size_t cudnn_workspace_bytes(const ConvolutionShape&, Pass);

// The kernels of our own that run beside cuDNN's. A test without a GPU puts functions of the host here.
struct BesideCudnn {
  void (*round)(CudaStream, std::int64_t n, const float* x, bf16* y);
  void (*widen)(CudaStream, std::int64_t n, const bf16* x, float* y, bool accumulate);
  void (*add_f32)(CudaStream, std::int64_t n, const float* x, float* y);  // y += x
  void (*add_bf16)(CudaStream, std::int64_t n, const bf16* x, bf16* y);
};
BesideCudnn& beside_cudnn();

}  // namespace kernels
