// How element-wise kernels walk an array: on the GPU in packs of up to 16 bytes where every array begins at a
// multiple of one, else one element at a time; on the host always, where the compiler makes vectors of a
// plain loop.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/rows.h"

namespace kernels::inline KERNELS_COMPILER {

// Calls f.template operator()<W>(i) for the W elements from i on: W = V for the whole packs, 1 for the rest.
template <int NT, int V, class F>
__device__ __forceinline__ void for_packs(std::int64_t n, F f) {
  for_each<NT>(n / V, [=](std::int64_t i) { f.template operator()<V>(i * V); });
  if constexpr (V > 1)
    if (blockIdx.x == 0)
      for (std::int64_t i = n / V * V + threadIdx.x; i < n; i += NT) f.template operator()<1>(i);
}

// Calls f(std::integral_constant<int, V>()) with the elements V of a pack for arrays of these types at these
// addresses.
template <class Stream, class F, class... T>
void choose_pack(F f, const T*... arrays) {
  constexpr int most = choose<Stream>(int(16 / std::max({sizeof(T)...})), 1);
  const auto begins_pack = [](const auto* array) {
    return reinterpret_cast<std::uintptr_t>(array) % (most * sizeof(*array)) == 0;
  };
  if constexpr (most > 1)
    if (!(begins_pack(arrays) && ...)) return f(std::integral_constant<int, 1>());
  f(std::integral_constant<int, most>());
}

}  // namespace kernels::inline KERNELS_COMPILER
