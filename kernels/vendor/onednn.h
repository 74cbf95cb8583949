// oneDNN for the CPU device: convolution and matrix products. Images are plain NHWC, filters plain KRSC. All
// work is done on the calling thread, for which a OneCpuThread must exist: for_each_block() makes one. Only
// in builds with DYAD_ONEDNN.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/base/convolution_shape.h"

namespace kernels::onednn {

// Whether oneDNN may use the CPU's bf16 instructions, and those for tiles of bf16 matrices
// (ONEDNN_MAX_CPU_ISA can forbid them).
bool has_bf16();
bool has_amx();

// C (+)= op(A) op(B) in f32.
void sgemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
           std::int64_t lda, const float* b, std::int64_t ldb, float* c, std::int64_t ldc, bool accumulate);

// The same for bf16 matrices if has_bf16(), with sums in f32; c is f32 or bf16.
void bf16_gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
               const bf16* a, std::int64_t lda, const bf16* b, std::int64_t ldb, void* c, std::int64_t ldc,
               bool c_is_f32, bool accumulate);

// b, of n f32 values, rounded by all threads, in memory of the calling thread that lasts until its next call.
const bf16* rounded_to_bf16(std::int64_t n, const float* b);

// A convolution primitive, created at first use of (shape, pass, type) and kept. T is
// float, or bf16 if has_bf16().
class Convolution {
 public:
  template <class T>
  static const Convolution& get(const ConvolutionShape&, Pass);
  ~Convolution();
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  const char* implementation() const { return implementation_; }

  // The primitive has a filter layout of its own: bytes of such a filter, and of the scratch memory of a run.
  std::size_t filter_bytes() const { return filter_bytes_; }
  std::size_t scratch_bytes() const { return scratch_bytes_; }

  // From KRSC in f32 to the layout and type of a forward pass's or data gradient's filter.
  void reorder_filter(const float* filter, void* reordered) const;
  // forward: x -> y; backward_data: dy -> dx.
  void run(const void* image, const void* reordered_filter, void* out, void* scratch) const;
  // backward_weights: (x, dy) -> d_filter, KRSC in f32. reordered: memory for a filter.
  void run_weights(const void* x, const void* dy, float* d_filter, void* reordered, void* scratch) const;

  struct Primitives;

 private:
  explicit Convolution(std::unique_ptr<const Primitives>);
  std::unique_ptr<const Primitives> primitives_;
  const char* implementation_;
  std::size_t filter_bytes_, scratch_bytes_;
};

}  // namespace kernels::onednn
