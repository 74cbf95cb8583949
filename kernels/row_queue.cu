// A ring of rows in device memory, as MoCo's queue of keys. The place of the next row is in device memory
// too, so every push is launched with equal arguments and can be captured in a CUDA graph.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

template <int NT, class T>
__global__ void __launch_bounds__(NT)
    row_queue_write_kernel(std::int64_t n, std::int64_t capacity, std::int64_t d, const T* __restrict__ x,
                           T* __restrict__ queue, const std::int64_t* __restrict__ cursor) {
  const std::int64_t first = *cursor;
  for_each<NT>(n * d, [=](std::int64_t i) {
    const std::int64_t row = first + i / d;
    queue[(row < capacity ? row : row - capacity) * d + i % d] = x[i];
  });
}

// A launch of its own: in the other one, a block could read the cursor after another has advanced it.
template <int NT>
__global__ void row_queue_advance_kernel(std::int64_t n, std::int64_t capacity, std::int64_t* cursor) {
  *cursor = (*cursor + n) % capacity;
}

}  // namespace

template <class Stream, class T>
void row_queue_push(Stream stream, std::int64_t n, std::int64_t capacity, std::int64_t d, const T* x,
                    T* queue, std::int64_t* cursor) {
  constexpr int NT = threads<Stream>(256);
  launch<row_queue_write_kernel<NT, T>>(stream, grid_for<NT>(n * d), n, capacity, d, x, queue, cursor);
  launch<row_queue_advance_kernel<1>>(stream, Grid{dim3(1), dim3(1)}, n, capacity, cursor);
}

INSTANTIATE(row_queue_push)

}  // namespace kernels
