#include "kernels/matmul.h"

#include <type_traits>

#include "kernels/kernels.h"
#include "kernels/launch_log.h"
#ifdef DYAD_ONEDNN
#include "kernels/onednn.h"
#endif

namespace kernels {

template <class Stream, class TA, class TB, class TC>
void matmul(Stream stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
            const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
            bool accumulate) {
#ifdef DYAD_ONEDNN
  if constexpr (std::is_same_v<Stream, CpuStream> && !std::is_same_v<TA, double>) {
    if (m == 0 || n == 0) return;
    if (LaunchLog* log = launch_log()) log->add("matmul", m, n, k, a, b, c);
    if constexpr (std::is_same_v<TA, float>)
      return onednn::sgemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
    else
      return onednn::bf16_gemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc,
                               std::is_same_v<TC, float>, accumulate);
  }
#endif
  gemm(stream, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
}

#define INSTANTIATE_MATMUL(S, TA, TB, TC)                                                                \
  template void matmul(S, bool, bool, std::int64_t, std::int64_t, std::int64_t, const TA*, std::int64_t, \
                       const TB*, std::int64_t, TC*, std::int64_t, bool);
#define INSTANTIATE_MATMULS(S)                  \
  INSTANTIATE_MATMUL(S, float, float, float)    \
  INSTANTIATE_MATMUL(S, double, double, double) \
  INSTANTIATE_MATMUL(S, bf16, float, bf16)      \
  INSTANTIATE_MATMUL(S, bf16, float, float)     \
  INSTANTIATE_MATMUL(S, bf16, bf16, float)

INSTANTIATE_MATMULS(SimtStream)
#ifndef DYAD_SIMT_ONLY
INSTANTIATE_MATMULS(CpuStream)
#endif
#ifdef DYAD_CUDA
INSTANTIATE_MATMULS(CudaStream)
#endif

}  // namespace kernels
