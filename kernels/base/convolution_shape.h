// The extents of one convolution in cuDNN's letters, its passes, and the algorithms.
#pragma once

#include <cstdint>

#include "kernels/base/bf16.h"

namespace kernels {

// y[n][p][q][k] = sum over r, s, c of x[n][p stride - padding + r][q stride - padding + s][c] w[k][r][s][c]
struct ConvolutionShape {
  std::int64_t n, h, w, c;  // of x, NHWC
  std::int64_t k, r, s;     // of the filters, KRSC
  std::int64_t stride, padding;

  KERNELS_HOST_DEVICE std::int64_t p() const { return (h + 2 * padding - r) / stride + 1; }
  KERNELS_HOST_DEVICE std::int64_t q() const { return (w + 2 * padding - s) / stride + 1; }
  bool operator==(const ConvolutionShape&) const = default;
};

enum class Pass { forward, backward_data, backward_weights };

enum class Algorithm {
  automatic,
  im2col,    // columns, and a matrix product (the library's, or our gemm); a 1x1 filter needs no columns
  onednn,    // direct convolution of oneDNN, CPU device, f32 and bf16
  winograd,  // of 3x3 filters with padding 1 at stride 1 and 2, f32 and f64
  cudnn,     // convolution of cuDNN, CUDA device, f32 and bf16
};

}  // namespace kernels
