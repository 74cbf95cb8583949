// The sum of all elements: the sums of pieces whose size depends on n only, then their sum in a fixed order.
#include "kernels/kernels.h"
#include "kernels/tiles/reduce.h"

namespace kernels {
namespace {

constexpr std::int64_t piece_size =
    8192;  // elements at least; more if there were over reduce_sum_workspace pieces

template <int NT, class T, class A>
__global__ void __launch_bounds__(NT)
    reduce_pieces_kernel(std::int64_t n, std::int64_t piece, const T* x, A* partial) {
  const std::int64_t begin = blockIdx.x * piece, end = begin + piece < n ? begin + piece : n;
  A sum = A(0);
  for (std::int64_t i = begin + threadIdx.x; i < end; i += NT) sum += A(x[i]);
  sum = block_sum<NT>(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

template <int NT, bool Accumulate, class A>
__global__ void __launch_bounds__(NT) reduce_partial_kernel(int n, const A* partial, A scale, A* out) {
  A sum = A(0);
  for (int i = threadIdx.x; i < n; i += NT) sum += partial[i];
  sum = block_sum<NT>(sum);
  if (threadIdx.x == 0) out[0] = Accumulate ? out[0] + scale * sum : scale * sum;
}

template <int NT, bool Accumulate, class T, class A>
__global__ void __launch_bounds__(NT) fill_from_kernel(std::int64_t n, A scale, const A* value, T* y) {
  const A v = scale * value[0];
  for_each<NT>(n, [=](std::int64_t i) { y[i] = T(Accumulate ? A(y[i]) + v : v); });
}

}  // namespace

template <class Stream, class T>
void reduce_sum(Stream stream, std::int64_t n, const T* x, double scale, acc_t<T>* out, bool accumulate,
                acc_t<T>* workspace) {
  constexpr int NT = threads<Stream>(256);
  using A = acc_t<T>;
  const std::int64_t even = ceil_div(n, reduce_sum_workspace), piece = even > piece_size ? even : piece_size;
  const int pieces = int(ceil_div(n, piece));
  if (pieces > 0)
    launch<reduce_pieces_kernel<NT, T, A>>(stream, Grid{dim3(unsigned(pieces)), dim3(NT)}, n, piece, x,
                                           workspace);
  const Grid one{dim3(1), dim3(NT)};
  if (accumulate)
    launch<reduce_partial_kernel<NT, true, A>>(stream, one, pieces, workspace, A(scale), out);
  else
    launch<reduce_partial_kernel<NT, false, A>>(stream, one, pieces, workspace, A(scale), out);
}

template <class Stream, class T>
void fill_from(Stream stream, std::int64_t n, double scale, const acc_t<T>* value, T* y, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  using A = acc_t<T>;
  if (accumulate)
    launch<fill_from_kernel<NT, true, T, A>>(stream, grid_for<NT>(n), n, A(scale), value, y);
  else
    launch<fill_from_kernel<NT, false, T, A>>(stream, grid_for<NT>(n), n, A(scale), value, y);
}

INSTANTIATE_WITH_BF16(reduce_sum)
INSTANTIATE_WITH_BF16(fill_from)

}  // namespace kernels
