// cuBLASLt for the CUDA device: matrix products. Arguments are row-major as everywhere; only cublaslt.cpp
// handles that cuBLASLt is column-major. Only in builds with DYAD_CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/base/bf16.h"
#include "kernels/base/stream.h"

namespace kernels::cublaslt {

// The workspace of gemm(). NVIDIA recommends this size for Hopper.
inline constexpr std::size_t workspace_bytes = std::size_t(32) << 20, workspace_alignment = 256;

// C (+)= op(A) op(B) with sums in f32, as gemm() in kernels/kernels.h; m, n and k are at least 1. Types (T,
// TC): (f32, f32), (bf16, bf16), (bf16, f32).
template <class T, class TC>
void gemm(CudaStream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const T* a, std::int64_t lda, const T* b, std::int64_t ldb, TC* c, std::int64_t ldc,
          bool accumulate, void* workspace);

std::string version();  // of this machine's library, which it opens: "13.1.0"

}  // namespace kernels::cublaslt
