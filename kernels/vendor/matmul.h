// Matrix product on any stream: by the vendor's library if it supports the types, else by our gemm kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/bf16.h"
#include "kernels/base/stream.h"

namespace kernels {

// C (+)= op(A) op(B), as gemm() in kernels/kernels.h without the batch. If A is bf16 and the weight B is f32,
// the vendor's library gets B rounded to bf16; our kernel multiplies the f32 values. `workspace`: at least
// matmul_workspace_bytes() of the stream's device.
template <class Stream, class TA, class TB, class TC>
void matmul(Stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
            const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
            bool accumulate, void* workspace);

template <class Stream, class TA, class TB>
std::size_t matmul_workspace_bytes(bool transpose_b, std::int64_t n, std::int64_t k, std::int64_t ldb);

}  // namespace kernels
