// Every kernel launcher of the project: the contract between kernels/ and engine/. One section a file.
//
// Pointers are memory of the stream's device, dense and row-major; images are NHWC, convolution filters KRSC.
// T is the storage type (float, double, bf16), A = acc_t<T> that of parameters, statistics and sums (float
// for bf16). Nothing here allocates, synchronises or keeps state; a workspace is an argument. `accumulate`
// adds to the output instead of overwriting it. Comments give the formula and the shape of each array.
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/convolution_shape.h"
#include "kernels/stream.h"

namespace kernels {

// ---- elementwise.cu ----------------------------------------------------------------------------

// y[i] = a[i] + b[i], i < n; y may be a or b
template <class Stream, class T>
void add(Stream, std::int64_t n, const T* a, const T* b, T* y);

// y[i] = max(x[i], 0)
template <class Stream, class T>
void relu(Stream, std::int64_t n, const T* x, T* y);

// dx[i] (+)= y[i] > 0 ? dy[i] : 0
template <class Stream, class T>
void relu_backward(Stream, std::int64_t n, const T* y, const T* dy, T* dx, bool accumulate);

// ---- gemm.cu -----------------------------------------------------------------------------------

// C (+)= op(A) op(B) for each matrix of a batch; C is (m,n), op(A) (m,k), op(B) (k,n), op = transpose or not;
// ld is the length of a stored row, stride the distance of two matrices of the batch. Sums are acc_t<TC>.
// Types (TA, TB, TC): (f32, f32, f32), (f64, f64, f64), (bf16, f32, bf16), (bf16, f32, f32), (bf16, bf16,
// f32). The vendor's library behind the same arguments is matmul() in kernels/matmul.h.
template <class Stream, class TA, class TB, class TC>
void gemm(Stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
          bool accumulate, std::int64_t batch = 1, std::int64_t stride_a = 0, std::int64_t stride_b = 0,
          std::int64_t stride_c = 0);

// out[c] (+)= sum over r of x[r][c]; x: (rows,columns)
template <class Stream, class T>
void column_sum(Stream, std::int64_t rows, std::int64_t columns, const T* x, acc_t<T>* out, bool accumulate);

// ---- im2col.cu; convolution itself is in kernels/convolution.h ----------------------------------

// columns[n][p][q][r][s][c] = x[n][p stride - padding + r][q stride - padding + s][c], 0 outside of the image
template <class Stream, class T>
void im2col(Stream, const ConvolutionShape&, const T* x, T* columns);

// dx[n][h][w][c] (+)= sum of the columns that im2col copies that element to
template <class Stream, class T>
void col2im(Stream, const ConvolutionShape&, const acc_t<T>* columns, T* dx, bool accumulate);

}  // namespace kernels
