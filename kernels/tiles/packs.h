// Packs of 16 bytes, in which kernels walk their arrays on the GPU where every array begins at a multiple of
// them; else one element at a time. On the host always so, where the compiler makes vectors of a plain loop.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/tiles/rows.h"

namespace kernels::inline KERNELS_COMPILER {

// Calls f.template operator()<W>(i) for the W elements from i on: W = V for the whole packs, 1 for the rest.
template <int NT, int V, class F>
__device__ __forceinline__ void for_packs(std::int64_t n, F f) {
  for_each<NT>(n / V, [=](std::int64_t i) { f.template operator()<V>(i * V); });
  if constexpr (V > 1)
    if (blockIdx.x == 0)
      for (std::int64_t i = n / V * V + threadIdx.x; i < n; i += NT) f.template operator()<1>(i);
}

// Calls f(std::integral_constant<int, V>()) with V elements T in a pack, if C channels are cut into packs
// without a rest (0: there are no channels) and each array (null: there is none) begins at one; else V = 1.
template <class Stream, class T, class F, class... P>
void choose_pack(std::int64_t C, F f, const P*... arrays) {
  constexpr int most = choose<Stream>(16 / int(sizeof(T)), 1);
  if constexpr (most > 1) {
    const bool begin = ((reinterpret_cast<std::uintptr_t>(arrays) % 16 == 0) && ...);
    if (C % most != 0 || !begin) return f(std::integral_constant<int, 1>());
  }
  f(std::integral_constant<int, most>());
}

}  // namespace kernels::inline KERNELS_COMPILER
