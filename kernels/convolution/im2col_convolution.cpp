// Convolution as a matrix product of its columns.
#include <algorithm>
#include <type_traits>

#include "kernels/base/parallel_blocks.h"
#include "kernels/convolution/convolution_backend.h"
#include "kernels/kernels.h"
#include "kernels/vendor/matmul.h"

namespace kernels {
namespace {

// A 1x1 filter at stride 1 needs no columns: the image is the matrix.
bool is_matrix(const ConvolutionShape& s) { return s.r == 1 && s.s == 1 && s.stride == 1 && s.padding == 0; }

// Images per chunk. CPU: the columns fit into a core's cache, but have enough rows to amortize reading a
// large filter again. GPU: the columns stay within a memory limit. The chunk depends on the shape only. The
// weight gradient adds chunk after chunk, so its f32 sums are short.
template <class Stream>
std::int64_t images_at_once(const ConvolutionShape& s) {
  constexpr bool cpu = std::is_same_v<Stream, CpuStream>;
  const std::int64_t pixels = std::max<std::int64_t>(1, s.p() * s.q()), depth = s.r * s.s * s.c;
  const std::int64_t by_cache = (cpu ? 1 << 18 : 1 << 24) / std::max<std::int64_t>(1, pixels * depth);
  const std::int64_t by_rows = cpu ? (255 + pixels) / pixels : 1;
  return std::clamp<std::int64_t>(std::max(by_cache, by_rows), 1, std::max<std::int64_t>(1, s.n));
}

// The columns of one slot, rounded up to a multiple of 64 bytes.
template <class Stream>
std::int64_t column_elements(const ConvolutionShape& s) {
  if (is_matrix(s)) return 0;
  return (images_at_once<Stream>(s) * s.p() * s.q() * s.r * s.s * s.c + 31) / 32 * 32;
}

template <class Stream>
int slots_for(std::int64_t blocks) {
  return std::is_same_v<Stream, CpuStream> ? int(std::clamp<std::int64_t>(blocks, 1, cpu_threads())) : 1;
}

template <class Stream>
std::int64_t chunks_of(const ConvolutionShape& s) {
  const std::int64_t chunk = images_at_once<Stream>(s);
  return (s.n + chunk - 1) / chunk;
}

// The workspace of forward and data gradient: the columns of each slot, then the workspace of the matrix
// product.
template <class Stream, class T>
T* behind_columns(const ConvolutionShape& s, void* workspace) {
  return static_cast<T*>(workspace) + slots_for<Stream>(chunks_of<Stream>(s)) * column_elements<Stream>(s);
}

// Calls f(shape of the chunk, its first image, slot) for every chunk.
template <class Stream, class F>
void for_chunks(Stream stream, const ConvolutionShape& s, F f) {
  const std::int64_t chunk = images_at_once<Stream>(s), chunks = chunks_of<Stream>(s);
  for_each_block(stream, chunks, slots_for<Stream>(chunks), [&](std::int64_t i, int slot) {
    ConvolutionShape part = s;
    part.n = std::min(chunk, s.n - i * chunk);
    f(part, i * chunk, slot);
  });
}

// The weight gradient of images [begin, end), chunk by chunk, with the calling thread's columns.
template <class Stream, class T>
void gradient_of_images(Stream stream, const ConvolutionShape& shape, std::int64_t begin, std::int64_t end,
                        const T* x, const T* dy, acc_t<T>* d_filter, bool accumulate, T* columns,
                        void* product) {
  const std::int64_t depth = shape.r * shape.s * shape.c, pixels = shape.p() * shape.q();
  const std::int64_t chunk = images_at_once<Stream>(shape);
  for (std::int64_t first = begin; first < end; first += chunk) {
    ConvolutionShape s = shape;
    s.n = std::min(chunk, end - first);
    const T* image = x + first * s.h * s.w * s.c;
    if (!is_matrix(s)) im2col(stream, s, image, columns);
    matmul(stream, true, false, s.k, depth, s.n * pixels, dy + first * pixels * s.k, s.k,
           is_matrix(s) ? image : columns, depth, d_filter, depth, accumulate || first > begin, product);
  }
}

template <class Stream>
int parts_of(const ConvolutionShape& s) {
  return std::is_same_v<Stream, CpuStream> ? gradient_parts(s.n, s.k * s.r * s.s * s.c) : 1;
}

template <class Stream, class T>
void im2col_forward(Stream stream, const ConvolutionShape& shape, const T* x, const acc_t<T>* filter, T* y,
                    void* workspace) {
  const OneLogEntry entry(stream, "im2col_forward", shape, x, filter, y, workspace);
  const std::int64_t depth = shape.r * shape.s * shape.c, pixels = shape.p() * shape.q();
  void* product = behind_columns<Stream, T>(shape, workspace);
  for_chunks(stream, shape, [&](const ConvolutionShape& s, std::int64_t first, int slot) {
    const T* image = x + first * s.h * s.w * s.c;
    T* columns = static_cast<T*>(workspace) + slot * column_elements<Stream>(shape);
    if (!is_matrix(s)) im2col(stream, s, image, columns);
    matmul(stream, false, true, s.n * pixels, s.k, depth, is_matrix(s) ? image : columns, depth, filter,
           depth, y + first * pixels * s.k, s.k, false, product);
  });
}

template <class Stream, class T>
void im2col_backward_data(Stream stream, const ConvolutionShape& shape, const T* dy, const acc_t<T>* filter,
                          T* dx, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "im2col_backward_data", shape, dy, filter, dx, accumulate, workspace);
  const std::int64_t depth = shape.r * shape.s * shape.c, pixels = shape.p() * shape.q();
  void* product = behind_columns<Stream, acc_t<T>>(shape, workspace);
  for_chunks(stream, shape, [&](const ConvolutionShape& s, std::int64_t first, int slot) {
    const T* gradient = dy + first * pixels * s.k;
    T* to = dx + first * s.h * s.w * s.c;
    if (is_matrix(s))
      return matmul(stream, false, false, s.n * pixels, depth, s.k, gradient, s.k, filter, depth, to, depth,
                    accumulate, product);
    acc_t<T>* columns = static_cast<acc_t<T>*>(workspace) + slot * column_elements<Stream>(shape);
    matmul(stream, false, false, s.n * pixels, depth, s.k, gradient, s.k, filter, depth, columns, depth,
           false, product);
    col2im(stream, s, columns, to, accumulate);
  });
}

template <class Stream, class T>
void im2col_backward_weights(Stream stream, const ConvolutionShape& s, const T* x, const T* dy,
                             acc_t<T>* d_filter, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "im2col_backward_weights", s, x, dy, d_filter, accumulate, workspace);
  const int parts = parts_of<Stream>(s);
  if (parts == 1) {
    T* columns = static_cast<T*>(workspace);
    return gradient_of_images(stream, s, 0, s.n, x, dy, d_filter, accumulate, columns,
                              columns + column_elements<Stream>(s));
  }
  const std::int64_t filter_size = s.k * s.r * s.s * s.c;
  auto* sums = static_cast<acc_t<T>*>(workspace);
  T* columns = reinterpret_cast<T*>(sums + (parts * filter_size + 31) / 32 * 32);
  for_each_block(stream, parts, slots_for<Stream>(parts), [&](std::int64_t i, int slot) {
    gradient_of_images(stream, s, s.n * i / parts, s.n * (i + 1) / parts, x, dy, sums + i * filter_size,
                       false, columns + slot * column_elements<Stream>(s), nullptr);
  });
  column_sum(stream, parts, filter_size, sums, d_filter, accumulate);
}

template <class Stream, class T>
std::size_t im2col_workspace_bytes(const ConvolutionShape& s, Pass pass) {
  const auto columns = std::size_t(column_elements<Stream>(s));
  const std::int64_t depth = s.r * s.s * s.c, pixels = s.p() * s.q();
  if (pass == Pass::forward)
    return columns * slots_for<Stream>(chunks_of<Stream>(s)) * sizeof(T) +
           matmul_workspace_bytes<Stream, T, acc_t<T>>(true, s.k, depth, depth);
  if (pass == Pass::backward_data)
    return columns * slots_for<Stream>(chunks_of<Stream>(s)) * sizeof(acc_t<T>) +
           matmul_workspace_bytes<Stream, T, acc_t<T>>(false, depth, s.k, depth);
  const int parts = parts_of<Stream>(s);
  const std::int64_t sums = parts == 1 ? 0 : (parts * s.k * depth + 31) / 32 * 32;
  return std::size_t(sums) * sizeof(acc_t<T>) + columns * slots_for<Stream>(parts) * sizeof(T) +
         matmul_workspace_bytes<Stream, T, T>(false, depth, s.n * pixels, depth);
}

bool any_shape(const ConvolutionShape&, Pass) { return true; }
const char* im2col_name(const ConvolutionShape& s, Pass) { return is_matrix(s) ? "gemm" : "im2col + gemm"; }

}  // namespace

template <class Stream, class T>
ConvolutionBackend<Stream, T> im2col_convolution() {
  return {Algorithm::im2col,
          any_shape,
          any_shape,
          im2col_name,
          im2col_workspace_bytes<Stream, T>,
          im2col_forward<Stream, T>,
          im2col_backward_data<Stream, T>,
          im2col_backward_weights<Stream, T>};
}

#define INSTANTIATE_IM2COLS(S)                                 \
  template ConvolutionBackend<S, float> im2col_convolution();  \
  template ConvolutionBackend<S, double> im2col_convolution(); \
  template ConvolutionBackend<S, bf16> im2col_convolution();

INSTANTIATE_IM2COLS(SimtStream)
#ifndef DYAD_SIMT_ONLY
INSTANTIATE_IM2COLS(CpuStream)
#endif
#ifdef DYAD_CUDA
INSTANTIATE_IM2COLS(CudaStream)
#endif

}  // namespace kernels
