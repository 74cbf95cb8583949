#include "kernels/convolution/convolution.h"

#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "kernels/convolution/im2col_convolution.h"
#include "kernels/convolution/winograd_convolution.h"
#ifdef DYAD_CUDNN
#include "kernels/convolution/cudnn_convolution.h"
#endif
#ifdef DYAD_ONEDNN
#include "kernels/convolution/onednn_convolution.h"
#endif

namespace kernels {
namespace {

#ifdef DYAD_ONEDNN
template <class Stream, class T>
constexpr bool has_onednn = std::is_same_v<Stream, CpuStream> && !std::is_same_v<T, double>;
#endif
#ifdef DYAD_CUDNN
template <class Stream, class T>
constexpr bool has_cudnn = std::is_same_v<Stream, CudaStream> && !std::is_same_v<T, double>;
#endif

// Winograd pays where the products outweigh the transforms, and where the 4x4 tiles of outputs (8x8 of dx at
// stride 2) do not hang over the edge too far.
bool winograd_pays(const ConvolutionShape& s) {
  if (!winograd_can(s) || s.c < 16 || s.k < 16) return false;
  const std::int64_t covered = (s.p() + 3) / 4 * 4 * ((s.q() + 3) / 4 * 4), outputs = s.p() * s.q();
  return covered * (s.stride == 1 ? 10 : 16) <= outputs * 20;
}

template <class Stream, class T>
Algorithm choose_algorithm(const ConvolutionShape& s, Pass pass) {
  if (std::is_same_v<Stream, CpuStream> && std::is_same_v<T, float> && winograd_pays(s))
    return Algorithm::winograd;
  if (convolution_can<Stream, T>(s, pass, Algorithm::onednn)) return Algorithm::onednn;
  if (convolution_can<Stream, T>(s, pass, Algorithm::cudnn)) return Algorithm::cudnn;
  return Algorithm::im2col;
}

template <class Stream, class T>
Algorithm resolve(const ConvolutionShape& s, Pass pass, Algorithm algorithm) {
  if (algorithm == Algorithm::automatic) return choose_algorithm<Stream, T>(s, pass);
  if (!convolution_can<Stream, T>(s, pass, algorithm))
    throw std::invalid_argument("convolution: the algorithm asked for can't do this shape and type");
  return algorithm;
}

template <class T>
constexpr bool has_winograd = !std::is_same_v<T, bf16>;

}  // namespace

template <class Stream, class T>
bool convolution_can(const ConvolutionShape& s, Pass pass, Algorithm algorithm) {
  if (algorithm == Algorithm::winograd) return has_winograd<T> && winograd_can(s);
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn) return onednn_can<T>(s, pass);
  }
#endif
#ifdef DYAD_CUDNN
  if constexpr (has_cudnn<Stream, T>) {
    if (algorithm == Algorithm::cudnn) return cudnn_can<T>(s, pass);
  }
#endif
  (void)pass;
  return algorithm != Algorithm::onednn && algorithm != Algorithm::cudnn;
}

template <class Stream, class T>
void convolution_forward(Stream stream, const ConvolutionShape& s, const T* x, const acc_t<T>* filter, T* y,
                         void* workspace, Algorithm asked) {
  const Algorithm algorithm = resolve<Stream, T>(s, Pass::forward, asked);
  if constexpr (has_winograd<T>) {
    if (algorithm == Algorithm::winograd) return winograd_forward(stream, s, x, filter, y, workspace);
  }
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn) return onednn_forward(s, x, filter, y, workspace);
  }
#endif
#ifdef DYAD_CUDNN
  if constexpr (has_cudnn<Stream, T>) {
    if (algorithm == Algorithm::cudnn) return cudnn_forward(stream, s, x, filter, y, workspace);
  }
#endif
  im2col_forward(stream, s, x, filter, y, workspace);
}

template <class Stream, class T>
void convolution_backward_data(Stream stream, const ConvolutionShape& s, const T* dy, const acc_t<T>* filter,
                               T* dx, bool accumulate, void* workspace, Algorithm asked) {
  const Algorithm algorithm = resolve<Stream, T>(s, Pass::backward_data, asked);
  if constexpr (has_winograd<T>) {
    if (algorithm == Algorithm::winograd)
      return winograd_backward_data(stream, s, dy, filter, dx, accumulate, workspace);
  }
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn) return onednn_backward_data(s, dy, filter, dx, accumulate, workspace);
  }
#endif
#ifdef DYAD_CUDNN
  if constexpr (has_cudnn<Stream, T>) {
    if (algorithm == Algorithm::cudnn)
      return cudnn_backward_data(stream, s, dy, filter, dx, accumulate, workspace);
  }
#endif
  im2col_backward_data(stream, s, dy, filter, dx, accumulate, workspace);
}

template <class Stream, class T>
void convolution_backward_weights(Stream stream, const ConvolutionShape& s, const T* x, const T* dy,
                                  acc_t<T>* d_filter, bool accumulate, void* workspace, Algorithm asked) {
  const Algorithm algorithm = resolve<Stream, T>(s, Pass::backward_weights, asked);
  if constexpr (has_winograd<T>) {
    if (algorithm == Algorithm::winograd)
      return winograd_backward_weights(stream, s, x, dy, d_filter, accumulate, workspace);
  }
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn)
      return onednn_backward_weights(s, x, dy, d_filter, accumulate, workspace);
  }
#endif
#ifdef DYAD_CUDNN
  if constexpr (has_cudnn<Stream, T>) {
    if (algorithm == Algorithm::cudnn)
      return cudnn_backward_weights(stream, s, x, dy, d_filter, accumulate, workspace);
  }
#endif
  im2col_backward_weights(stream, s, x, dy, d_filter, accumulate, workspace);
}

template <class Stream, class T>
std::size_t convolution_workspace_bytes(const ConvolutionShape& s, Pass pass, Algorithm asked) {
  const Algorithm algorithm = resolve<Stream, T>(s, pass, asked);
  if constexpr (has_winograd<T>) {
    if (algorithm == Algorithm::winograd) return winograd_workspace_bytes<Stream, T>(s, pass);
  }
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn) return onednn_workspace_bytes<T>(s, pass);
  }
#endif
#ifdef DYAD_CUDNN
  if constexpr (has_cudnn<Stream, T>) {
    if (algorithm == Algorithm::cudnn) return cudnn_workspace_bytes<T>(s, pass);
  }
#endif
  return im2col_workspace_bytes<Stream, T>(s, pass);
}

template <class Stream, class T>
const char* convolution_algorithm(const ConvolutionShape& s, Pass pass) {
  const Algorithm algorithm = choose_algorithm<Stream, T>(s, pass);
  if (algorithm == Algorithm::winograd) return s.stride == 1 ? "winograd 4x4,3x3" : "winograd 4x4,3x3/2";
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn) return onednn_implementation<T>(s, pass);
  }
#endif
#ifdef DYAD_CUDNN
  if constexpr (has_cudnn<Stream, T>) {
    if (algorithm == Algorithm::cudnn) return cudnn_engine<T>(s, pass);
    return is_matrix(s) ? "gemm, cudnn has no engine" : "im2col + gemm, cudnn has no engine";
  }
#endif
  return is_matrix(s) ? "gemm" : "im2col + gemm";
}

#define INSTANTIATE_CONVOLUTION(S, T)                                                                      \
  template void convolution_forward(S, const ConvolutionShape&, const T*, const acc_t<T>*, T*, void*,      \
                                    Algorithm);                                                            \
  template void convolution_backward_data(S, const ConvolutionShape&, const T*, const acc_t<T>*, T*, bool, \
                                          void*, Algorithm);                                               \
  template void convolution_backward_weights(S, const ConvolutionShape&, const T*, const T*, acc_t<T>*,    \
                                             bool, void*, Algorithm);                                      \
  template std::size_t convolution_workspace_bytes<S, T>(const ConvolutionShape&, Pass, Algorithm);        \
  template bool convolution_can<S, T>(const ConvolutionShape&, Pass, Algorithm);                           \
  template const char* convolution_algorithm<S, T>(const ConvolutionShape&, Pass);
#define INSTANTIATE_CONVOLUTIONS(S)  \
  INSTANTIATE_CONVOLUTION(S, float)  \
  INSTANTIATE_CONVOLUTION(S, double) \
  INSTANTIATE_CONVOLUTION(S, bf16)

INSTANTIATE_CONVOLUTIONS(SimtStream)
#ifndef DYAD_SIMT_ONLY
INSTANTIATE_CONVOLUTIONS(CpuStream)
#endif
#ifdef DYAD_CUDA
INSTANTIATE_CONVOLUTIONS(CudaStream)
#endif

}  // namespace kernels
