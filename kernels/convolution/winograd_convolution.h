// A whole convolution in Winograd's domain, from the kernels of winograd.h.
#pragma once

#include <cstddef>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels {

// 3x3 filters, padding 1, stride 1 or 2; f32 and f64.
inline bool winograd_can(const ConvolutionShape& s) {
  return s.r == 3 && s.s == 3 && s.padding == 1 && (s.stride == 1 || s.stride == 2);
}

// The arguments of the functions of kernels/convolution/convolution.h.
template <class Stream, class T>
void winograd_forward(Stream, const ConvolutionShape&, const T* x, const T* filter, T* y, void* workspace);
template <class Stream, class T>
void winograd_backward_data(Stream, const ConvolutionShape&, const T* dy, const T* filter, T* dx,
                            bool accumulate, void* workspace);
template <class Stream, class T>
void winograd_backward_weights(Stream, const ConvolutionShape&, const T* x, const T* dy, T* d_filter,
                               bool accumulate, void* workspace);
template <class Stream, class T>
std::size_t winograd_workspace_bytes(const ConvolutionShape&, Pass);

}  // namespace kernels
