// Convolution behind plain functions, in all three passes. The algorithm depends on the stream, the shape and
// the element type only. docs/kernels/convolution.md says why each is chosen.
#pragma once

#include <cstddef>
#include <string>

#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels {

// Images x: (n,h,w,c) and y: (n,p,q,k) of T; filters: (k,r,s,c) of acc_t<T>, so that bf16 images are
// convolved with f32 master weights (rounded to bf16 on the way). `workspace`: 64-byte aligned memory of the
// stream's device, at least convolution_workspace_bytes() for the same algorithm and number of threads.
// `accumulate` adds to the output.
template <class Stream, class T>
void convolution_forward(Stream, const ConvolutionShape&, const T* x, const acc_t<T>* filter, T* y,
                         void* workspace, Algorithm = Algorithm::automatic);

template <class Stream, class T>
void convolution_backward_data(Stream, const ConvolutionShape&, const T* dy, const acc_t<T>* filter, T* dx,
                               bool accumulate, void* workspace, Algorithm = Algorithm::automatic);

template <class Stream, class T>
void convolution_backward_weights(Stream, const ConvolutionShape&, const T* x, const T* dy,
                                  acc_t<T>* d_filter, bool accumulate, void* workspace,
                                  Algorithm = Algorithm::automatic);

template <class Stream, class T>
std::size_t convolution_workspace_bytes(const ConvolutionShape&, Pass, Algorithm = Algorithm::automatic);

// Whether an algorithm supports this convolution; automatic supports all.
template <class Stream, class T>
bool convolution_can(const ConvolutionShape&, Pass, Algorithm);

// The name of the algorithm that `automatic` selects: "winograd 4x4,3x3", "onednn jit:avx512_core", "cudnn
// engine 47", "im2col + gemm", "gemm".
template <class Stream, class T>
std::string convolution_algorithm(const ConvolutionShape&, Pass);

}  // namespace kernels
