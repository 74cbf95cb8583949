// Transposes the matrices of a batch, through a tile in shared memory: both x and y are accessed along rows.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

// Tiles have Rows x Columns values: square ones, and long ones for matrices of a few rows or columns, such as
// images of three channels.
template <int NT, int Rows, int Columns, bool Accumulate, class T>
__global__ void __launch_bounds__(NT)
    transpose_kernel(std::int64_t rows, std::int64_t columns, const T* __restrict__ x, T* __restrict__ y) {
  using A = acc_t<T>;
  constexpr int pad = Rows < 32 ? 32 / Rows : 1;  // so that a warp reads a column of the tile from 32 banks
  SHARED(T, tile, [Rows][Columns + pad]);
  const std::int64_t r0 = std::int64_t(blockIdx.x) * Rows, c0 = std::int64_t(blockIdx.y) * Columns;
  const int height = int(rows - r0 < Rows ? rows - r0 : Rows);
  const int width = int(columns - c0 < Columns ? columns - c0 : Columns);
  x += blockIdx.z * rows * columns;
  y += blockIdx.z * rows * columns;

  // Neighbouring threads take neighbouring values, first of x, then of y. On a GPU the loops are as long in a
  // tile at the edge as in a whole tile, so that they unroll and a thread's loads are in flight together.
  constexpr int across = NT < Columns ? NT : Columns, along = NT < Rows ? NT : Rows;
  const int thread = NT == 1 ? 0 : int(threadIdx.x);
  const int r_end = NT == 1 ? height : Rows, c_end = NT == 1 ? width : Columns;
  UNROLL for (int i = 0; i < r_end; i += NT / across) {
    UNROLL for (int j = 0; j < c_end; j += across) {
      const int r = i + thread / across, c = j + thread % across;
      if (r < height && c < width) tile[r][c] = x[(r0 + r) * columns + c0 + c];
    }
  }
  __syncthreads();
  UNROLL for (int j = 0; j < c_end; j += NT / along) {
    UNROLL for (int i = 0; i < r_end; i += along) {
      const int r = i + thread % along, c = j + thread / along;
      if (r >= height || c >= width) continue;
      T& out = y[(c0 + c) * rows + r0 + r];
      out = Accumulate ? T(A(out) + A(tile[r][c])) : tile[r][c];
    }
  }
}

template <int Rows, int Columns, class Stream, class T>
void transpose_tiles(Stream stream, std::int64_t batch, std::int64_t rows, std::int64_t columns, const T* x,
                     T* y, bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  // CUDA limits y and z of a grid to 65,535: images of a batch, and 2 million columns
  const Grid grid{dim3(unsigned(ceil_div(rows, Rows)), unsigned(ceil_div(columns, Columns)), unsigned(batch)),
                  dim3(NT), 0, "transpose"};
  if (accumulate)
    launch<transpose_kernel<NT, Rows, Columns, true, T>>(stream, grid, rows, columns, x, y);
  else
    launch<transpose_kernel<NT, Rows, Columns, false, T>>(stream, grid, rows, columns, x, y);
}

}  // namespace

template <class Stream, class T>
void transpose(Stream stream, std::int64_t batch, std::int64_t rows, std::int64_t columns, const T* x, T* y,
               bool accumulate) {
  constexpr int few = 4, many = 512;
  if (rows <= few)
    transpose_tiles<few, many>(stream, batch, rows, columns, x, y, accumulate);
  else if (columns <= few)
    transpose_tiles<many, few>(stream, batch, rows, columns, x, y, accumulate);
  else
    transpose_tiles<64, 64>(stream, batch, rows, columns, x, y, accumulate);
}

INSTANTIATE_WITH_BF16(transpose)

}  // namespace kernels
