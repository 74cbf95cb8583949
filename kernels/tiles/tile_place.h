// The place of a register tile in an (R,C) array whose columns are channels.
#pragma once

#include <cstdint>

#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {

// The tile begins at element `offset`; its next row is `stride` elements further. Its elements are of the
// channels c, c + 1 ... modulo C. `rows` is 0 for a thread without work, which still takes part in barriers.
struct TilePlace {
  std::int64_t offset, stride, rows, c;
};

// Calls f(offset) for each row of a tile. The loads of U rows are in flight together.
template <int U, class F>
__device__ __forceinline__ void for_rows(const TilePlace& t, F f) {
  std::int64_t r = 0, offset = t.offset;
  if constexpr (U > 1)
    for (; r + U <= t.rows; r += U, offset += U * t.stride) {
      UNROLL for (int u = 0; u < U; ++u) f(offset + u * t.stride);
    }
  for (; r < t.rows; ++r, offset += t.stride) f(offset);
}

}  // namespace kernels::inline KERNELS_COMPILER
