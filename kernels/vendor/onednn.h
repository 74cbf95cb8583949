// oneDNN for the CPU device: convolution and matrix products. Images are plain NHWC and filters plain KRSC; a
// primitive reorders filters internally if it needs to. Only in builds with DYAD_ONEDNN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/base/convolution_shape.h"

namespace kernels::onednn {

// Whether oneDNN may use the CPU's bf16 instructions (ONEDNN_MAX_CPU_ISA can forbid them).
bool has_bf16();

// C (+)= op(A) op(B) in f32. Inside a parallel region it uses only the calling thread.
void sgemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
           std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool accumulate);

// The same for bf16 matrices, with sums in f32; c is f32 or bf16. The overload with an f32 matrix b rounds it
// first.
void bf16_gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
               const bf16* a, std::int64_t lda, const bf16* b, std::int64_t ldb, void* c, std::int64_t ldc,
               bool c_is_f32, bool accumulate);
void bf16_gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
               const bf16* a, std::int64_t lda, const float* b, std::int64_t ldb, void* c, std::int64_t ldc,
               bool c_is_f32, bool accumulate);

// A convolution primitive, created at first use of (shape, pass, type, number of threads) and kept. T is
// float or bf16; throws for bf16 on a CPU without bf16 instructions.
class Convolution {
 public:
  template <class T>
  static const Convolution& get(const ConvolutionShape&, Pass);
  ~Convolution();
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  const char* implementation() const { return implementation_; }
  std::size_t workspace_bytes() const { return workspace_bytes_; }

  // forward: (x, filter) -> y. backward_data: (dy, filter) -> dx. backward_weights: (x, dy) -> d_filter.
  // Images are of T, filters f32.
  void run(const void* first, const void* second, void* out, void* workspace) const;

  struct Primitives;

 private:
  explicit Convolution(std::unique_ptr<const Primitives>);
  std::unique_ptr<const Primitives> primitives_;
  const char* implementation_;
  std::size_t workspace_bytes_;
};

}  // namespace kernels::onednn
