// Matrix product on any stream: the vendor's library where it has one for the types, else our own gemm
// kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/bf16.h"
#include "kernels/base/stream.h"

namespace kernels {

// C (+)= op(A) op(B), as gemm() in kernels/kernels.h without the batch. A weight B that is f32 beside a bf16
// A is rounded to bf16 by the vendor's library; our kernel multiplies it as it is. `workspace` is memory of
// the stream's device of at least matmul_workspace_bytes().
template <class Stream, class TA, class TB, class TC>
void matmul(Stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
            const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
            bool accumulate, void* workspace);

template <class Stream, class TA, class TB>
std::size_t matmul_workspace_bytes(bool transpose_b, std::int64_t n, std::int64_t k, std::int64_t ldb);

}  // namespace kernels
