// Our own kernels that run beside cuDNN's convolutions. Only in builds with DYAD_CUDNN.
#pragma once

#include <cstdint>

#include "kernels/base/bf16.h"
#include "kernels/base/stream.h"

namespace kernels {

// A test without a GPU replaces them by host functions.
struct BesideCudnn {
  void (*round)(CudaStream, std::int64_t n, const float* x, bf16* y);
  void (*widen)(CudaStream, std::int64_t n, const bf16* x, float* y, bool accumulate);
  void (*add_f32)(CudaStream, std::int64_t n, const float* x, float* y);  // y += x
  void (*add_bf16)(CudaStream, std::int64_t n, const bf16* x, bf16* y);
};
BesideCudnn& beside_cudnn();

}  // namespace kernels
