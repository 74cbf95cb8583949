// Convolution as a matrix product of its columns.
#pragma once

#include <cstddef>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels {

// A 1x1 filter at stride 1 needs no columns: the image is its own.
inline bool is_matrix(const ConvolutionShape& s) {
  return s.r == 1 && s.s == 1 && s.stride == 1 && s.padding == 0;
}

// The arguments of the functions of kernels/convolution/convolution.h.
template <class Stream, class T>
void im2col_forward(Stream, const ConvolutionShape&, const T* x, const acc_t<T>* filter, T* y,
                    void* workspace);
template <class Stream, class T>
void im2col_backward_data(Stream, const ConvolutionShape&, const T* dy, const acc_t<T>* filter, T* dx,
                          bool accumulate, void* workspace);
template <class Stream, class T>
void im2col_backward_weights(Stream, const ConvolutionShape&, const T* x, const T* dy, acc_t<T>* d_filter,
                             bool accumulate, void* workspace);
template <class Stream, class T>
std::size_t im2col_workspace_bytes(const ConvolutionShape&, Pass);

}  // namespace kernels
