#include "apps/export/f16.h"

#include <bit>

namespace apps {

std::uint16_t f16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = std::uint16_t(bits >> 16 & 0x8000);
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;  // not a number
  const int exponent = int(magnitude >> 23) - 127;
  if (exponent > 15) return sign | 0x7c00;
  if (exponent < -25) return sign;  // less than half of the smallest, 2^-24
  // The significand is cut by 13 bits; below 2^-14 the exponent stays and it is cut by more. A carry of the
  // rounding goes on into the exponent, which gives the right bits, infinity included.
  const int cut = exponent < -14 ? -1 - exponent : 13;
  const std::uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
  const std::uint32_t kept = significand >> cut, rest = significand & ((1U << cut) - 1),
                      half = 1U << (cut - 1);
  const std::uint32_t up = rest > half || (rest == half && (kept & 1) != 0) ? 1 : 0;
  const std::uint32_t whole = exponent < -14 ? kept : std::uint32_t(exponent + 14) * 1024 + kept;
  return std::uint16_t(sign | (whole + up));
}

}  // namespace apps
