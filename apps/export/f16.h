// IEEE 754's binary16 as bits. dyad computes in bf16, so only files have this type.
#pragma once

#include <cstdint>

namespace apps {

constexpr float kLargestF16 = 65504;

// The nearest f16, ties to even. Beyond the largest: infinity.
std::uint16_t f16_bits(float);

}  // namespace apps
