#include "kernels/vendor/matmul.h"

#include <algorithm>
#include <type_traits>

#include "kernels/base/launch_log.h"
#include "kernels/base/rounding.h"
#include "kernels/kernels.h"
#ifdef DYAD_CUDA
#include "kernels/vendor/cublaslt.h"
#endif
#ifdef DYAD_ONEDNN
#include "kernels/base/cpu_threads.h"
#include "kernels/base/parallel_blocks.h"
#include "kernels/vendor/onednn.h"
#endif

namespace kernels {

#ifdef DYAD_CUDA
namespace {

template <class Stream, class TA>
constexpr bool has_cublaslt = std::is_same_v<Stream, CudaStream> && !std::is_same_v<TA, double>;

// cuBLASLt needs both factors of one type.
template <class TA, class TB>
constexpr bool rounds_b = std::is_same_v<TA, bf16>&& std::is_same_v<TB, float>;

// Elements from the first to the last of B, gaps included.
std::int64_t extent_of_b(bool transpose_b, std::int64_t n, std::int64_t k, std::int64_t ldb) {
  return transpose_b ? (n - 1) * ldb + k : (k - 1) * ldb + n;
}

// The aligned workspace holds cuBLASLt's workspace, then the rounded B.
template <class TA, class TB, class TC>
void cublaslt_matmul(CudaStream stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n,
                     std::int64_t k, const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c,
                     std::int64_t ldc, bool accumulate, void* workspace) {
  constexpr std::uintptr_t align = cublaslt::workspace_alignment;
  char* at = static_cast<char*>(workspace);
  at += (align - reinterpret_cast<std::uintptr_t>(at) % align) % align;
  if constexpr (rounds_b<TA, TB>) {
    bf16* rounded = reinterpret_cast<bf16*>(at + cublaslt::workspace_bytes);
    cast_to_bf16(stream, extent_of_b(transpose_b, n, k, ldb), b, rounded, false);
    cublaslt::gemm(stream, transpose_a, transpose_b, m, n, k, a, lda, rounded, ldb, c, ldc, accumulate, at);
  } else {
    cublaslt::gemm(stream, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate, at);
  }
}

}  // namespace
#endif

#ifdef DYAD_ONEDNN
namespace {

// A product in parts of rows x columns of C, nearly square, so that a part reads little of A and B. One
// thread computes each part. The parts depend on the shape only, so the result does not depend on the number
// of threads. On one thread of many, all is one part.
struct ProductParts {
  std::int64_t rows, columns, down, across;

  ProductParts(std::int64_t m, std::int64_t n, std::int64_t k) : rows(m), columns(n), down(1), across(1) {
    constexpr std::int64_t enough = 32, least = 128, least_work = 1 << 20;
    while (!on_one_cpu_thread() && down * across < enough && std::max(rows, columns) >= least &&
           rows * columns * k >= least_work) {
      std::int64_t& larger = rows > columns ? rows : columns;
      larger = round_up(ceil_div(larger, 2), 16);
      down = ceil_div(m, rows);
      across = ceil_div(n, columns);
    }
  }
};

template <class TA, class TB, class TC>
void onednn_matmul(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                   const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
                   bool accumulate) {
  if constexpr (std::is_same_v<TA, bf16> && std::is_same_v<TB, float>) {
    const bf16* rounded = onednn::rounded_to_bf16((transpose_b ? n : k) * ldb, b);
    return onednn_matmul(transpose_a, transpose_b, m, n, k, a, lda, rounded, ldb, c, ldc, accumulate);
  } else {
    const ProductParts parts(m, n, k);
    for_each_block(CpuStream{}, parts.down * parts.across, cpu_threads(), [&](std::int64_t part, int) {
      const std::int64_t i = part / parts.across * parts.rows, j = part % parts.across * parts.columns;
      const std::int64_t rows = std::min(parts.rows, m - i), columns = std::min(parts.columns, n - j);
      const TA* from_a = a + (transpose_a ? i : i * lda);
      const TB* from_b = b + (transpose_b ? j * ldb : j);
      TC* to = c + i * ldc + j;
      if constexpr (std::is_same_v<TA, float>)
        onednn::sgemm(transpose_a, transpose_b, rows, columns, k, from_a, lda, from_b, ldb, to, ldc,
                      accumulate);
      else
        onednn::bf16_gemm(transpose_a, transpose_b, rows, columns, k, from_a, lda, from_b, ldb, to, ldc,
                          std::is_same_v<TC, float>, accumulate);
    });
  }
}

}  // namespace
#endif

template <class Stream, class TA, class TB>
std::size_t matmul_workspace_bytes(bool transpose_b, std::int64_t n, std::int64_t k, std::int64_t ldb) {
#ifdef DYAD_CUDA
  if constexpr (has_cublaslt<Stream, TA>) {
    if (n == 0 || k == 0) return 0;
    const std::int64_t rounded = rounds_b<TA, TB> ? extent_of_b(transpose_b, n, k, ldb) : 0;
    return cublaslt::workspace_alignment + cublaslt::workspace_bytes + std::size_t(rounded) * sizeof(bf16);
  }
#endif
  (void)transpose_b, (void)n, (void)k, (void)ldb;
  return 0;
}

template <class Stream, class TA, class TB, class TC>
void matmul(Stream stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
            const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
            bool accumulate, void* workspace) {
#ifdef DYAD_CUDA
  if constexpr (has_cublaslt<Stream, TA>) {
    if (m == 0 || n == 0) return;
    if (k > 0) {  // our kernel handles an empty sum
      if (LaunchLog* log = launch_log()) log->add("matmul", m, n, k, a, b, c, workspace);
      return cublaslt_matmul(stream, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate,
                             workspace);
    }
  }
#endif
  (void)workspace;  // only cuBLASLt uses it
#ifdef DYAD_ONEDNN
  if constexpr (std::is_same_v<Stream, CpuStream> && !std::is_same_v<TA, double>) {
    if (m == 0 || n == 0) return;
    if (std::is_same_v<TA, bf16> && !onednn::has_bf16())  // our kernel widens to f32 as it reads
      return gemm(stream, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
    if (LaunchLog* log = launch_log()) log->add("matmul", m, n, k, a, b, c);
    return onednn_matmul(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
  }
#endif
  gemm(stream, transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
}

#define INSTANTIATE_MATMUL(S, TA, TB, TC)                                                                \
  template void matmul(S, bool, bool, std::int64_t, std::int64_t, std::int64_t, const TA*, std::int64_t, \
                       const TB*, std::int64_t, TC*, std::int64_t, bool, void*);
#define INSTANTIATE_WORKSPACE(S, TA, TB) \
  template std::size_t matmul_workspace_bytes<S, TA, TB>(bool, std::int64_t, std::int64_t, std::int64_t);
#define INSTANTIATE_MATMULS(S)                  \
  INSTANTIATE_WORKSPACE(S, float, float)        \
  INSTANTIATE_WORKSPACE(S, double, double)      \
  INSTANTIATE_WORKSPACE(S, bf16, float)         \
  INSTANTIATE_WORKSPACE(S, bf16, bf16)          \
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
