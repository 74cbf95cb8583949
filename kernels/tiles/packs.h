// How a kernel walks flat arrays. On the GPU it walks them in packs of 16 bytes where every array begins at a
// multiple of 16 bytes, else one element at a time. On the host it always walks one element at a time, since
// g++ vectorises a plain loop.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/tiles/register_tile.h"

namespace kernels::inline KERNELS_COMPILER {

// Calls f(shape, i) for tiles that begin at element i: of V elements for the whole packs, of one for the
// rest.
template <int NT, int V, class F>
__device__ __forceinline__ void for_packs(std::int64_t n, F f) {
  for_each<NT>(n / V, [=](std::int64_t i) { f(TileShape<V, 1>{}, i * V); });
  if constexpr (V > 1)
    if (blockIdx.x == 0)
      for (std::int64_t i = n / V * V + threadIdx.x; i < n; i += NT) f(TileShape<1, 1>{}, i);
}

// Calls f(std::integral_constant<int, V>()). V is the number of elements T in 16 bytes if C channels are a
// whole number of such packs (C = 0: there are no channels) and each array that is not null begins at a
// multiple of 16 bytes; else V is 1, as always on the host.
template <class Stream, class T, class F, class... P>
void choose_pack(std::int64_t C, F f, const P*... arrays) {
  constexpr int most = choose<Stream>(16 / int(sizeof(T)), 1);
  if constexpr (most > 1) {
    const bool aligned = ((reinterpret_cast<std::uintptr_t>(arrays) % 16 == 0) && ...);
    if (C % most != 0 || !aligned) return f(std::integral_constant<int, 1>());
  }
  f(std::integral_constant<int, most>());
}

}  // namespace kernels::inline KERNELS_COMPILER
