// Softmax cross-entropy of rows: -log softmax(x)[label] = log sum e^(x_c - max) - (x_label - max).
#include "kernels/kernels.h"
#include "kernels/tiles/warp_rows.h"

namespace kernels {
namespace {

template <int NT, class T>
__global__ void __launch_bounds__(NT)
    softmax_cross_entropy_kernel(std::int64_t rows, std::int64_t classes, const T* logits,
                                 const std::int32_t* labels, T* loss, T* log_sum) {
  const std::int64_t row = warp_row<NT>();
  if (row >= rows) return;
  const T* x = logits + row * classes;
  T largest = x[0];
  for (std::int64_t c = row_thread<NT>(); c < classes; c += row_threads<NT>)
    largest = x[c] > largest ? x[c] : largest;
  largest = warp_max<NT>(largest);
  T sum = T(0);
  for (std::int64_t c = row_thread<NT>(); c < classes; c += row_threads<NT>) sum += exp(x[c] - largest);
  sum = log(warp_sum<NT>(sum));
  if (row_thread<NT>() != 0) return;
  const std::int32_t label = labels[row];
  loss[row] = label >= 0 && label < classes ? sum - (x[label] - largest) : T(NAN);
  log_sum[row] = largest + sum;
}

template <int NT, bool Accumulate, class T>
__global__ void __launch_bounds__(NT, 1)
    softmax_cross_entropy_backward_kernel(std::int64_t rows, std::int64_t classes, const T* logits,
                                          const std::int32_t* labels, const T* log_sum, const T* dy, T* dx) {
  const std::int64_t row = warp_row<NT>();
  if (row >= rows) return;
  const T *x = logits + row * classes, scale = dy[0] / T(rows), shift = log_sum[row];
  const std::int32_t label = labels[row];
  dx += row * classes;
  for (std::int64_t c = row_thread<NT>(); c < classes; c += row_threads<NT>) {
    const T g = (exp(x[c] - shift) - (c == label ? T(1) : T(0))) * scale;
    dx[c] = Accumulate ? dx[c] + g : g;
  }
}

}  // namespace

template <class Stream, class T>
void softmax_cross_entropy(Stream stream, std::int64_t rows, std::int64_t classes, const T* logits,
                           const std::int32_t* labels, T* loss, T* log_sum) {
  constexpr int NT = threads<Stream>(128);
  launch<softmax_cross_entropy_kernel<NT, T>>(stream, warp_rows_grid<NT>(rows), rows, classes, logits, labels,
                                              loss, log_sum);
}

template <class Stream, class T>
void softmax_cross_entropy_backward(Stream stream, std::int64_t rows, std::int64_t classes, const T* logits,
                                    const std::int32_t* labels, const T* log_sum, const T* dy, T* dx,
                                    bool accumulate) {
  constexpr int NT = threads<Stream>(128);
  const Grid grid = warp_rows_grid<NT>(rows);
  if (accumulate)
    launch<softmax_cross_entropy_backward_kernel<NT, true, T>>(stream, grid, rows, classes, logits, labels,
                                                               log_sum, dy, dx);
  else
    launch<softmax_cross_entropy_backward_kernel<NT, false, T>>(stream, grid, rows, classes, logits, labels,
                                                                log_sum, dy, dx);
}

INSTANTIATE(softmax_cross_entropy)
INSTANTIATE(softmax_cross_entropy_backward)

}  // namespace kernels
