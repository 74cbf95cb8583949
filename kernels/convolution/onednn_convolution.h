// Convolution by oneDNN's direct primitives, on the CPU device in f32 and bf16. Only in builds with
// DYAD_ONEDNN.
#pragma once

#include <cstddef>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels {

// Whether oneDNN has fast code for it (not its reference loops).
template <class T>
bool onednn_can(const ConvolutionShape&, Pass);
template <class T>
const char* onednn_implementation(const ConvolutionShape&, Pass);  // "jit:avx512_core", ...

// The arguments of the functions of kernels/convolution/convolution.h.
template <class T>
void onednn_forward(const ConvolutionShape&, const T* x, const float* filter, T* y, void* workspace);
template <class T>
void onednn_backward_data(const ConvolutionShape&, const T* dy, const float* filter, T* dx, bool accumulate,
                          void* workspace);
template <class T>
void onednn_backward_weights(const ConvolutionShape&, const T* x, const T* dy, float* d_filter,
                             bool accumulate, void* workspace);
template <class T>
std::size_t onednn_workspace_bytes(const ConvolutionShape&, Pass);

}  // namespace kernels
