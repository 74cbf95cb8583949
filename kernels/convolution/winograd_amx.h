// The matrix products of Winograd's domain by AMX, the tile instructions of a CPU, which multiply bf16 only.
// The domain stays f32: each operand is split into bf16 parts (kernels/tiles/bf16_parts.h) whose products are
// added in f32. docs/kernels/convolution.md has the figures.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/convolution/winograd.h"

namespace kernels::amx {

// Whether this build has the code. Whether the CPU can run it is cpu_has_amx() of amx.h.
#ifdef __AVX512F__
constexpr bool built = true;
#else
constexpr bool built = false;
#endif

// The parts of an operand beside images of T: three give f32's precision, two that of bf16 and more.
template <class T>
constexpr int parts = sizeof(T) == 4 ? 3 : 2;

// How much of the operands is split at a time. It fits into a core's L2 cache beside the results.
constexpr std::int64_t product_rows = 128;  // tiles
constexpr std::int64_t gradient_rows = 128, k_panels_most = 8,
                       c_panels_most = 16;  // tiles, 256 x 512 channels

// Bytes of the scratch memory that a thread needs for either product.
inline std::size_t product_scratch_bytes(int parts, const WinogradFilter& u) {
  return std::size_t(parts) * 2 * std::size_t(u.rows * product_rows);
}
inline std::size_t gradient_scratch_bytes(int parts) {
  return std::size_t(parts) * 2 * std::size_t((k_panels_most + c_panels_most) * 32 * gradient_rows);
}

// As winograd_product(), of one point and in place: `domain` holds v, then m. Its channels are the more
// numerous of both. u is that of winograd_filter_parts().
void product(int parts, int stride, int point, std::int64_t count, const WinogradDomain&, float* domain,
             const WinogradFilter&, const std::uint16_t* u, void* scratch);

// One of the gradient_pieces() of winograd_gradient_product(); each computes other elements of u.
std::int64_t gradient_pieces(const WinogradFilter&);
void gradient_product(int parts, int stride, std::int64_t piece, std::int64_t count, const WinogradDomain&,
                      const float* w, const WinogradDomain&, const float* v, const WinogradFilter&, float* u,
                      bool accumulate, void* scratch);

}  // namespace kernels::amx
