// A backend is one implementation of the functions of convolution.h, for one stream and one type of images.
// convolution.cpp has the table of this build's backends, and selects one by shape and pass.
#pragma once

#include <cstddef>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels {

template <class Stream, class T>
struct ConvolutionBackend {
  Algorithm algorithm;

  bool (*can)(const ConvolutionShape&, Pass);          // whether it supports this shape
  bool (*chosen)(const ConvolutionShape&, Pass);       // whether `automatic` prefers it to later ones
  const char* (*name)(const ConvolutionShape&, Pass);  // for convolution_algorithm()

  // The arguments of the functions of convolution.h.
  std::size_t (*workspace_bytes)(const ConvolutionShape&, Pass);
  void (*forward)(Stream, const ConvolutionShape&, const T* x, const acc_t<T>* filter, T* y, void* workspace);
  void (*backward_data)(Stream, const ConvolutionShape&, const T* dy, const acc_t<T>* filter, T* dx,
                        bool accumulate, void* workspace);
  void (*backward_weights)(Stream, const ConvolutionShape&, const T* x, const T* dy, acc_t<T>* d_filter,
                           bool accumulate, void* workspace);
};

// Every stream, every type, every shape.
template <class Stream, class T>
ConvolutionBackend<Stream, T> im2col_convolution();

// f32 and f64.
template <class Stream, class T>
ConvolutionBackend<Stream, T> winograd_convolution();

// f32 and bf16; only in builds with DYAD_ONEDNN.
template <class T>
ConvolutionBackend<CpuStream, T> onednn_convolution();

// f32 and bf16; only in builds with DYAD_CUDNN.
template <class T>
ConvolutionBackend<CudaStream, T> cudnn_convolution();

}  // namespace kernels
