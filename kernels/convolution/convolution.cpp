#include "kernels/convolution/convolution.h"

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "kernels/convolution/convolution_backend.h"

namespace kernels {
namespace {

template <class Stream, class T>
using Backend = ConvolutionBackend<Stream, T>;

// The backends of a stream and a type, in the order in which `automatic` tries them. The last one supports
// any shape.
template <class Stream, class T>
std::vector<Backend<Stream, T>> made_backends() {
  std::vector<Backend<Stream, T>> table;
  table.push_back(winograd_convolution<Stream, T>());
#ifdef DYAD_ONEDNN
  if constexpr (std::is_same_v<Stream, CpuStream> && !std::is_same_v<T, double>)
    table.push_back(onednn_convolution<T>());
#endif
#ifdef DYAD_CUDNN
  if constexpr (std::is_same_v<Stream, CudaStream> && !std::is_same_v<T, double>)
    table.push_back(cudnn_convolution<T>());
#endif
  table.push_back(im2col_convolution<Stream, T>());
  return table;
}

template <class Stream, class T>
const std::vector<Backend<Stream, T>>& backends() {
  static const std::vector<Backend<Stream, T>> table = made_backends<Stream, T>();
  return table;
}

// Null if the table has no such backend.
template <class Stream, class T>
const Backend<Stream, T>* backend_of(Algorithm algorithm) {
  const auto& table = backends<Stream, T>();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [=](const Backend<Stream, T>& b) { return b.algorithm == algorithm; });
  return found == table.end() ? nullptr : &*found;
}

template <class Stream, class T>
const Backend<Stream, T>& chosen_backend(const ConvolutionShape& s, Pass pass) {
  const auto& table = backends<Stream, T>();
  return *std::find_if(table.begin(), table.end(),
                       [&](const Backend<Stream, T>& b) { return b.chosen(s, pass); });
}

template <class Stream, class T>
const Backend<Stream, T>& backend_for(const ConvolutionShape& s, Pass pass, Algorithm algorithm) {
  if (algorithm == Algorithm::automatic) return chosen_backend<Stream, T>(s, pass);
  const Backend<Stream, T>* backend = backend_of<Stream, T>(algorithm);
  if (backend == nullptr || !backend->can(s, pass))
    throw std::invalid_argument("convolution: the requested algorithm does not support this shape and type");
  return *backend;
}

}  // namespace

template <class Stream, class T>
bool convolution_can(const ConvolutionShape& s, Pass pass, Algorithm algorithm) {
  if (algorithm == Algorithm::automatic) return true;
  const Backend<Stream, T>* backend = backend_of<Stream, T>(algorithm);
  return backend != nullptr && backend->can(s, pass);
}

template <class Stream, class T>
void convolution_forward(Stream stream, const ConvolutionShape& s, const T* x, const acc_t<T>* filter, T* y,
                         void* workspace, Algorithm algorithm) {
  backend_for<Stream, T>(s, Pass::forward, algorithm).forward(stream, s, x, filter, y, workspace);
}

template <class Stream, class T>
void convolution_backward_data(Stream stream, const ConvolutionShape& s, const T* dy, const acc_t<T>* filter,
                               T* dx, bool accumulate, void* workspace, Algorithm algorithm) {
  backend_for<Stream, T>(s, Pass::backward_data, algorithm)
      .backward_data(stream, s, dy, filter, dx, accumulate, workspace);
}

template <class Stream, class T>
void convolution_backward_weights(Stream stream, const ConvolutionShape& s, const T* x, const T* dy,
                                  acc_t<T>* d_filter, bool accumulate, void* workspace, Algorithm algorithm) {
  backend_for<Stream, T>(s, Pass::backward_weights, algorithm)
      .backward_weights(stream, s, x, dy, d_filter, accumulate, workspace);
}

template <class Stream, class T>
std::size_t convolution_workspace_bytes(const ConvolutionShape& s, Pass pass, Algorithm algorithm) {
  return backend_for<Stream, T>(s, pass, algorithm).workspace_bytes(s, pass);
}

template <class Stream, class T>
std::string convolution_algorithm(const ConvolutionShape& s, Pass pass) {
  const Backend<Stream, T>& chosen = chosen_backend<Stream, T>(s, pass);
  const bool refused = chosen.algorithm == Algorithm::im2col && backend_of<Stream, T>(Algorithm::cudnn);
  return std::string(chosen.name(s, pass)) + (refused ? ", cudnn has no engine" : "");
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
  template std::string convolution_algorithm<S, T>(const ConvolutionShape&, Pass);
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
