// bfloat16 storage: one 16-bit struct for every compiler, converted on load and store. (With an alias of
// CUDA's own type the two compilers would mangle the launchers' names differently, and linking would fail.)
#pragma once

#include <bit>
#include <cstdint>

#ifdef __CUDACC__
#define KERNELS_HOST_DEVICE __host__ __device__
#else
#define KERNELS_HOST_DEVICE
#endif

namespace kernels {

struct bf16 {
  std::uint16_t bits;

  bf16() = default;
  KERNELS_HOST_DEVICE explicit bf16(float x) {  // round to nearest, ties to even; NaN stays NaN
    const auto b = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t rounded = (b + 0x7fffu + (b >> 16 & 1u)) >> 16;
    const bool nan = (b & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(nan ? (b >> 16 | 0x40u) : rounded);
  }
  KERNELS_HOST_DEVICE explicit bf16(double x) : bf16(static_cast<float>(x)) {}
  KERNELS_HOST_DEVICE explicit bf16(int x) : bf16(static_cast<float>(x)) {}
  KERNELS_HOST_DEVICE explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
  KERNELS_HOST_DEVICE explicit operator double() const { return static_cast<float>(*this); }
};

// The accumulator type of T: the type of sums, statistics, parameters and gradients.
template <class T>
struct Accumulator {
  using type = T;
};
template <>
struct Accumulator<bf16> {
  using type = float;
};
template <class T>
using acc_t = typename Accumulator<T>::type;

}  // namespace kernels
