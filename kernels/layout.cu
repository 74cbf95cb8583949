// Layout: transposes of the matrices of a batch, through a tile that is read and written along rows.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

constexpr int tile_size = 32;

template <int NT, bool Accumulate, class T>
__global__ void __launch_bounds__(NT)
    transpose_kernel(std::int64_t rows, std::int64_t columns, const T* __restrict__ x, T* __restrict__ y) {
  using A = acc_t<T>;
  SHARED(T, tile, [tile_size][tile_size + 1]);  // + 1: a column of it lies in 32 banks
  const std::int64_t r0 = std::int64_t(blockIdx.x) * tile_size, c0 = std::int64_t(blockIdx.y) * tile_size;
  const int height = int(rows - r0 < tile_size ? rows - r0 : tile_size);
  const int width = int(columns - c0 < tile_size ? columns - c0 : tile_size);
  x += blockIdx.z * rows * columns;
  y += blockIdx.z * rows * columns;

  // A warp takes a row of the tile at a time; one thread a block takes them all.
  constexpr int step = NT == 1 ? 1 : NT / tile_size, lanes = NT == 1 ? 1 : tile_size;
  const int lane = NT == 1 ? 0 : int(threadIdx.x) % tile_size,
            warp = NT == 1 ? 0 : int(threadIdx.x) / tile_size;
  for (int r = warp; r < height; r += step)
    for (int c = lane; c < width; c += lanes) tile[r][c] = x[(r0 + r) * columns + c0 + c];
  __syncthreads();
  for (int c = warp; c < width; c += step)
    for (int r = lane; r < height; r += lanes) {
      T& out = y[(c0 + c) * rows + r0 + r];
      out = Accumulate ? T(A(out) + A(tile[r][c])) : tile[r][c];
    }
}

}  // namespace

template <class Stream, class T>
void transpose(Stream stream, std::int64_t batch, std::int64_t rows, std::int64_t columns, const T* x, T* y,
               bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  // x of the grid may be large, y and z at most 65,535: a batch of images and 2 million columns
  const Grid grid{
      dim3(unsigned(ceil_div(rows, tile_size)), unsigned(ceil_div(columns, tile_size)), unsigned(batch)),
      dim3(NT)};
  if (accumulate)
    launch<transpose_kernel<NT, true, T>>(stream, grid, rows, columns, x, y);
  else
    launch<transpose_kernel<NT, false, T>>(stream, grid, rows, columns, x, y);
}

INSTANTIATE_WITH_BF16(transpose)

}  // namespace kernels
