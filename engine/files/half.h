// IEEE 754 half precision (binary16, "f16"), as files hold it. The engine computes with wider types.
#pragma once

#include <bit>
#include <cstdint>

namespace engine {

constexpr float kMostHalf = 65504;  // the largest finite value

inline float from_half(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t(half & 0x8000) << 16, rest = std::uint32_t(half & 0x7fff) << 13;
  // the exponents' biases differ by 112; the product also scales subnormal numbers
  const float value = std::bit_cast<float>(rest) * 0x1p112f;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>(sign | (rest >= 0x0f800000 ? bits | 0x7f800000 : bits));  // infinity and NaN
}

// Rounded to the nearest, ties to even. From 65,520 on it is infinity.
inline std::uint16_t to_half(float value) {
  std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits & 0x80000000;
  bits ^= sign;
  std::uint32_t half;
  if (bits > 0x7f800000)
    half = 0x7e00;  // NaN
  else if (bits >= 0x477ff000)
    half = 0x7c00;
  else if (bits < 0x38800000)  // subnormal: the sum is rounded at the last bit that a half has
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(bits) + 0.5f) - 0x3f000000;
  else
    half = (bits + 0xc8000fff + (bits >> 13 & 1)) >> 13;
  return std::uint16_t(half | sign >> 16);
}

}  // namespace engine
