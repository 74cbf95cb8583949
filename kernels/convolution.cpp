#include "kernels/convolution.h"

#include <algorithm>
#include <stdexcept>
#include <type_traits>

#include "kernels/kernels.h"
#include "kernels/launch_log.h"
#include "kernels/matmul.h"
#include "kernels/winograd_convolution.h"
#ifdef DYAD_ONEDNN
#include "kernels/onednn.h"
#endif

namespace kernels {
namespace {

// im2col + gemm, a few images at a time, so that the columns stay in cache on the CPU and within bounds on
// the GPU. The chunk depends on the shape only, and the weight gradient adds chunk to chunk: a short sum in
// f32.
constexpr std::int64_t column_elements = 1 << 20;

std::int64_t images_at_once(const ConvolutionShape& s) {
  const std::int64_t an_image = std::max<std::int64_t>(1, s.p() * s.q() * s.r * s.s * s.c);
  return std::clamp<std::int64_t>(column_elements / an_image, 1, std::max<std::int64_t>(1, s.n));
}

// A 1x1 filter at stride 1 needs no columns: the image is its own.
bool is_matrix(const ConvolutionShape& s) { return s.r == 1 && s.s == 1 && s.stride == 1 && s.padding == 0; }

// Calls f(shape of the chunk, first image) for every chunk.
template <class F>
void for_chunks(const ConvolutionShape& s, F f) {
  const std::int64_t chunk = images_at_once(s);
  for (std::int64_t first = 0; first < s.n; first += chunk) {
    ConvolutionShape part = s;
    part.n = std::min(chunk, s.n - first);
    f(part, first);
  }
}

template <class Stream, class T>
void im2col_forward(Stream stream, const ConvolutionShape& shape, const T* x, const acc_t<T>* filter, T* y,
                    T* columns) {
  const std::int64_t depth = shape.r * shape.s * shape.c, pixels = shape.p() * shape.q();
  for_chunks(shape, [&](const ConvolutionShape& s, std::int64_t first) {
    const T* a = x + first * s.h * s.w * s.c;
    if (!is_matrix(s)) im2col(stream, s, a, columns);
    matmul(stream, false, true, s.n * pixels, s.k, depth, is_matrix(s) ? a : columns, depth, filter, depth,
           y + first * pixels * s.k, s.k, false);
  });
}

template <class Stream, class T>
void im2col_backward_data(Stream stream, const ConvolutionShape& shape, const T* dy, const acc_t<T>* filter,
                          T* dx, bool accumulate, acc_t<T>* columns) {
  const std::int64_t depth = shape.r * shape.s * shape.c, pixels = shape.p() * shape.q();
  for_chunks(shape, [&](const ConvolutionShape& s, std::int64_t first) {
    const T* a = dy + first * pixels * s.k;
    T* to = dx + first * s.h * s.w * s.c;
    if (is_matrix(s))
      return matmul(stream, false, false, s.n * pixels, depth, s.k, a, s.k, filter, depth, to, depth,
                    accumulate);
    matmul(stream, false, false, s.n * pixels, depth, s.k, a, s.k, filter, depth, columns, depth, false);
    col2im(stream, s, columns, to, accumulate);
  });
}

template <class Stream, class T>
void im2col_backward_weights(Stream stream, const ConvolutionShape& shape, const T* x, const T* dy,
                             acc_t<T>* d_filter, bool accumulate, T* columns) {
  const std::int64_t depth = shape.r * shape.s * shape.c, pixels = shape.p() * shape.q();
  for_chunks(shape, [&](const ConvolutionShape& s, std::int64_t first) {
    const T* b = x + first * s.h * s.w * s.c;
    if (!is_matrix(s)) im2col(stream, s, b, columns);
    matmul(stream, true, false, s.k, depth, s.n * pixels, dy + first * pixels * s.k, s.k,
           is_matrix(s) ? b : columns, depth, d_filter, depth, accumulate || first > 0);
  });
}

template <class T>
std::size_t im2col_workspace_bytes(const ConvolutionShape& s, Pass pass) {
  if (is_matrix(s)) return 0;
  const std::size_t element = pass == Pass::backward_data ? sizeof(acc_t<T>) : sizeof(T);
  return std::size_t(images_at_once(s) * s.p() * s.q() * s.r * s.s * s.c) * element;
}

// oneDNN's direct convolution.
#ifdef DYAD_ONEDNN
template <class Stream, class T>
constexpr bool has_onednn = std::is_same_v<Stream, CpuStream> && !std::is_same_v<T, double>;

// A data gradient that accumulates goes through memory of its own.
std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

template <class T>
std::size_t onednn_workspace_bytes(const ConvolutionShape& s, Pass pass) {
  const std::size_t image = pass == Pass::backward_data ? std::size_t(s.n * s.h * s.w * s.c) * sizeof(T) : 0;
  return aligned(onednn::Convolution::get<T>(s, pass).workspace_bytes()) + image;
}

template <class Stream, class T>
void onednn_backward_data(Stream stream, const ConvolutionShape& s, const T* dy, const acc_t<T>* filter,
                          T* dx, bool accumulate, void* workspace) {
  const auto& convolution = onednn::Convolution::get<T>(s, Pass::backward_data);
  if (!accumulate) return convolution.run(dy, filter, dx, false, workspace);
  T* image = reinterpret_cast<T*>(static_cast<char*>(workspace) + aligned(convolution.workspace_bytes()));
  convolution.run(dy, filter, image, false, workspace);
  add(stream, s.n * s.h * s.w * s.c, dx, image, dx);
}
#else
template <class Stream, class T>
constexpr bool has_onednn = false;
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

void log_call(const char* name, const ConvolutionShape& s, const void* a, const void* b, const void* c,
              void* w) {
  if (LaunchLog* log = launch_log()) log->add(name, s, a, b, c, w);
}

}  // namespace

template <class Stream, class T>
bool convolution_can(const ConvolutionShape& s, Pass pass, Algorithm algorithm) {
  if (algorithm == Algorithm::winograd) return has_winograd<T> && winograd_can(s);
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn) return onednn::Convolution::get<T>(s, pass).fast();
  }
#endif
  (void)pass;
  return algorithm != Algorithm::onednn;
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
    if (algorithm == Algorithm::onednn) {
      log_call("onednn_forward", s, x, filter, y, workspace);
      return onednn::Convolution::get<T>(s, Pass::forward).run(x, filter, y, false, workspace);
    }
  }
#endif
  im2col_forward(stream, s, x, filter, y, static_cast<T*>(workspace));
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
    if (algorithm == Algorithm::onednn) {
      log_call("onednn_backward_data", s, dy, filter, dx, workspace);
      return onednn_backward_data(stream, s, dy, filter, dx, accumulate, workspace);
    }
  }
#endif
  im2col_backward_data(stream, s, dy, filter, dx, accumulate, static_cast<acc_t<T>*>(workspace));
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
    if (algorithm == Algorithm::onednn) {
      log_call("onednn_backward_weights", s, x, dy, d_filter, workspace);
      return onednn::Convolution::get<T>(s, Pass::backward_weights)
          .run(x, dy, d_filter, accumulate, workspace);
    }
  }
#endif
  im2col_backward_weights(stream, s, x, dy, d_filter, accumulate, static_cast<T*>(workspace));
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
  return im2col_workspace_bytes<T>(s, pass);
}

template <class Stream, class T>
const char* convolution_algorithm(const ConvolutionShape& s, Pass pass) {
  const Algorithm algorithm = choose_algorithm<Stream, T>(s, pass);
  if (algorithm == Algorithm::winograd) return s.stride == 1 ? "winograd 4x4,3x3" : "winograd 4x4,3x3/2";
#ifdef DYAD_ONEDNN
  if constexpr (has_onednn<Stream, T>) {
    if (algorithm == Algorithm::onednn) return onednn::Convolution::get<T>(s, pass).implementation();
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
