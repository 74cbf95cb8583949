// check() for the CUDA runtime. Not in check.h, since the host's SIMT vocabulary and CUDA's headers exclude
// each other.
#pragma once

#include <cuda_runtime.h>

#include "kernels/base/check.h"

namespace kernels {
inline void check(cudaError_t status, const char* what = "", const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status != cudaSuccess) fail("CUDA", cudaGetErrorString(status), what, file, line);
}
}  // namespace kernels
