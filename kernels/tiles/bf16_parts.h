// A float as a sum of bf16 numbers, for CPUs that multiply bf16 many times as fast as f32. A float has 24
// significant bits and bf16 has 8, so three parts are exact: x = x0 + x1 + x2, where x0 is x rounded to bf16
// and x1 is the rest rounded. The product of two floats is then
//   x y = x0 y0 + (x0 y1 + x1 y0) + (x1 y1 + x0 y2 + x2 y0) + ...,
// and what is left out is below 2^-24 of it, as f32's own rounding. With two parts each it is
// x0 y0 + x0 y1 + x1 y0, with an error below 2^-14. (Henry, Tang & Heinecke 2019, "Leveraging the bfloat16
// Artificial Intelligence Datatype For Higher-Precision Computations".)
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/tiles/vector.h"

namespace kernels::inline KERNELS_COMPILER {

#ifndef __CUDACC__

// The floats whose parts are made: a register of them, and its bits.
template <class V>
using PartBits = Vector<std::uint32_t, int(sizeof(V) / 4)>;

// Splits the elements of x. Part i is the upper 16 bits of each element of part[i]; the lower ones are zero
// but in the last part. The last part is cut off instead of rounded: of three it is exact, and NaN stays NaN.
template <int PARTS, class V>
__device__ __forceinline__ void split(V x, PartBits<V> (&part)[PARTS]) {
  for (int i = 0; i + 1 < PARTS; ++i) {
    part[i] = (std::bit_cast<PartBits<V>>(x) + 0x8000u) & 0xffff0000u;
    x -= std::bit_cast<V>(part[i]);
  }
  part[PARTS - 1] = std::bit_cast<PartBits<V>>(x);
}

// The order of bf16 numbers in which AMX reads the right operand of a product: each element of the result has
// the upper halves of an element of `first` (low) and `second` (high).
template <class Bits>
__device__ __forceinline__ Bits pair_halves(Bits first, Bits second) {
  return first >> 16 | (second & 0xffff0000u);
}

#endif

}  // namespace kernels::inline KERNELS_COMPILER
