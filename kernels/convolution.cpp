#include "kernels/convolution.h"

#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/matmul.h"

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

}  // namespace

template <class Stream, class T>
void convolution_forward(Stream stream, const ConvolutionShape& s, const T* x, const acc_t<T>* filter, T* y,
                         void* workspace) {
  im2col_forward(stream, s, x, filter, y, static_cast<T*>(workspace));
}

template <class Stream, class T>
void convolution_backward_data(Stream stream, const ConvolutionShape& s, const T* dy, const acc_t<T>* filter,
                               T* dx, bool accumulate, void* workspace) {
  im2col_backward_data(stream, s, dy, filter, dx, accumulate, static_cast<acc_t<T>*>(workspace));
}

template <class Stream, class T>
void convolution_backward_weights(Stream stream, const ConvolutionShape& s, const T* x, const T* dy,
                                  acc_t<T>* d_filter, bool accumulate, void* workspace) {
  im2col_backward_weights(stream, s, x, dy, d_filter, accumulate, static_cast<T*>(workspace));
}

template <class Stream, class T>
std::size_t convolution_workspace_bytes(Stream, const ConvolutionShape& s, Pass pass, const T*) {
  if (is_matrix(s)) return 0;
  const std::size_t element = pass == Pass::backward_data ? sizeof(acc_t<T>) : sizeof(T);
  return std::size_t(images_at_once(s) * s.p() * s.q() * s.r * s.s * s.c) * element;
}

template <class Stream, class T>
const char* convolution_algorithm(Stream, const ConvolutionShape& s, Pass, const T*) {
  return is_matrix(s) ? "gemm" : "im2col + gemm";
}

#define INSTANTIATE_CONVOLUTION(S, T)                                                                      \
  template void convolution_forward(S, const ConvolutionShape&, const T*, const acc_t<T>*, T*, void*);     \
  template void convolution_backward_data(S, const ConvolutionShape&, const T*, const acc_t<T>*, T*, bool, \
                                          void*);                                                          \
  template void convolution_backward_weights(S, const ConvolutionShape&, const T*, const T*, acc_t<T>*,    \
                                             bool, void*);                                                 \
  template std::size_t convolution_workspace_bytes(S, const ConvolutionShape&, Pass, const T*);            \
  template const char* convolution_algorithm(S, const ConvolutionShape&, Pass, const T*);
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
