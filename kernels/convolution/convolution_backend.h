// A backend is one implementation of the functions of convolution.h, for one stream and one type of images.
// convolution.cpp has the table of this build's backends, and selects one by shape and pass.
#pragma once

#include <cstddef>
#include <cstdint>

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

// The number of parts of a weight gradient. One thread sums each part, and the sums of the parts are added in
// order. The number depends on the shape only, so results do not depend on the number of threads.
inline int gradient_parts(std::int64_t images, std::int64_t filter_elements) {
  constexpr std::int64_t most = 8, memory = std::int64_t(1) << 22;  // elements of all parts together
  const std::int64_t fit = memory / (filter_elements > 0 ? filter_elements : 1);
  const std::int64_t parts = fit < most ? fit : most;
  return int(parts < 1 || images < 1 ? 1 : parts < images ? parts : images);
}

// Every stream, every type, every shape.
template <class Stream, class T>
ConvolutionBackend<Stream, T> im2col_convolution();

// Every stream and type; 3x3 filters.
template <class Stream, class T>
ConvolutionBackend<Stream, T> winograd_convolution();

// f32 and bf16; only in builds with DYAD_ONEDNN.
template <class T>
ConvolutionBackend<CpuStream, T> onednn_convolution();

// f32 and bf16; only in builds with DYAD_CUDNN.
template <class T>
ConvolutionBackend<CudaStream, T> cudnn_convolution();

}  // namespace kernels
