// Every kernel launcher of the project: the contract between kernels/ and engine/. One section a file.
//
// Pointers are memory of the stream's device, dense and row-major; images are NHWC, convolution filters KRSC.
// T is the storage type (float, double, bf16), A = acc_t<T> that of parameters, statistics and sums (float
// for bf16). Nothing here allocates, synchronises or keeps state; a workspace is an argument. `accumulate`
// adds to the output instead of overwriting it. Comments give the formula and the shape of each array.
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
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

}  // namespace kernels
