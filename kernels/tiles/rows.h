// How a block walks the rows of an (R,C) array whose columns are channels: batch norm, pooling.
//
// The work of a thread is a tile: a piece of a row that it walks down a slab of rows, with what it keeps for
// the channels in registers. On the GPU a tile is a pack of up to 16 bytes, neighbouring threads take
// neighbouring packs, and several rows at once where a row is short. One thread a block takes tiles of eight
// vector registers one after the other; rows are joined until they are whole registers.
#pragma once

#include <numeric>

#include "kernels/simt.h"
#include "kernels/tiles/vector.h"

namespace kernels::inline KERNELS_COMPILER {

// V neighbouring elements, loaded and stored at once.
template <class T, int V>
struct alignas(V * sizeof(T)) Pack {
  T v[V];
};

// N registers of L neighbouring elements, in the type that sums are kept in. L is 1 on the GPU.
template <class A, int N, int L>
struct Tile {
  Vector<A, L> v[N];
};

template <class A, int L, class T>
__device__ __forceinline__ Vector<A, L> load_widened(const T* p) {
  if constexpr (L == 1) {
    return A(*p);
  } else if constexpr (std::is_same_v<T, A>) {
    return load<Vector<A, L>>(p);
  } else {  // bf16 is the upper half of f32
#ifndef __CUDACC__
    const auto half = load<Vector<std::uint16_t, L>>(p);
    return std::bit_cast<Vector<A, L>>(__builtin_convertvector(half, Vector<std::uint32_t, L>) << 16);
#endif
  }
}

template <class A, int L, class T>
__device__ __forceinline__ void store_rounded(T* p, Vector<A, L> v) {
  if constexpr (L == 1) {
    *p = T(v);
  } else if constexpr (std::is_same_v<T, A>) {
    store(p, v);
  } else {  // to nearest, ties to even; NaN stays NaN
#ifndef __CUDACC__
    using Bits = Vector<std::uint32_t, L>;
    const auto bits = std::bit_cast<Bits>(v);
    const Bits rounded = bits + 0x7fff + (bits >> 16 & 1), nan = bits | 0x400000;
    store(p, __builtin_convertvector(((bits & 0x7fffffff) > 0x7f800000 ? nan : rounded) >> 16,
                                     Vector<std::uint16_t, L>));
#endif
  }
}

template <int N, int L, class T>
__device__ __forceinline__ Tile<acc_t<T>, N, L> load_tile(const T* p) {
  using A = acc_t<T>;
  Tile<A, N, L> tile;
  if constexpr (L == 1 && N > 1) {
    const auto pack = *reinterpret_cast<const Pack<T, N>*>(p);
    UNROLL for (int i = 0; i < N; ++i) tile.v[i] = A(pack.v[i]);
  } else {
    UNROLL for (int i = 0; i < N; ++i) tile.v[i] = load_widened<A, L>(p + i * L);
  }
  return tile;
}

// past: past_cache() of the array.
template <int N, int L, class T>
__device__ __forceinline__ void store_tile(T* p, const Tile<acc_t<T>, N, L>& tile, bool past = false) {
  if constexpr (L == 1 && N > 1) {
    Pack<T, N> pack;
    UNROLL for (int i = 0; i < N; ++i) pack.v[i] = T(tile.v[i]);
    *reinterpret_cast<Pack<T, N>*>(p) = pack;
  } else if (std::is_same_v<T, acc_t<T>> && past) {
    UNROLL for (int i = 0; i < N; ++i) store_past_cache(p + i * L, tile.v[i]);
  } else {
    UNROLL for (int i = 0; i < N; ++i) store_rounded<acc_t<T>, L>(p + i * L, tile.v[i]);
  }
}

// v, or zero where `zero` is true. Of floats the host masks the bits: where v is rounded to bf16 next, g++
// makes a branch of the choice, and a loop with a branch does not vectorise.
template <class Zero, class V>
__device__ __forceinline__ V unless(Zero zero, V v) {
#ifndef __CUDACC__
  if constexpr (std::is_same_v<V, float>)
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(v) & (std::uint32_t(zero) - 1));
#endif
  return zero ? V{} : v;
}

// v where it is not below zero (NaN stays), and v where `sign` is above zero; else zero.
template <class V>
__device__ __forceinline__ V zero_below(V v) {
  return unless(v < 0, v);
}
template <class V>
__device__ __forceinline__ V where_positive(V sign, V v) {
  return unless(sign <= 0, v);
}

// A tile's place: it begins at element `offset`, the next of its rows is `stride` elements further on, and
// its elements are of channel c, c + 1 ... modulo C. `rows` is 0 for a thread without work; it still runs
// along, for the barriers.
struct TilePlace {
  std::int64_t offset, stride, rows, c;
};

// Calls f(channel, element, count) for the runs of channels of a tile of n elements that begins at channel c.
template <class F>
__device__ __forceinline__ void for_wrapped(std::int64_t c, int n, std::int64_t C, F f) {
  for (int i = 0; i < n; c = 0) {
    const int count = int(C - c < n - i ? C - c : n - i);
    f(c, i, count);
    i += count;
  }
}

// What the tile's elements have in `channels` (C).
template <int N, int L, class T>
__device__ __forceinline__ Tile<acc_t<T>, N, L> load_channels(const T* channels, std::int64_t c,
                                                              std::int64_t C) {
  if constexpr (L == 1) {  // where N > 1 they begin at a multiple of 16 bytes: choose_pack() has looked
    constexpr int piece = 16 / int(sizeof(T)) < N ? 16 / int(sizeof(T)) : N;
    Tile<acc_t<T>, N, 1> tile;
    UNROLL for (int i = 0; i < N; i += piece) {
      const Tile<acc_t<T>, piece, 1> part = load_tile<piece, 1>(channels + c + i);
      UNROLL for (int k = 0; k < piece; ++k) tile.v[i + k] = part.v[k];
    }
    return tile;
  } else {
    if (c + N * L <= C) return load_tile<N, L>(channels + c);
    T wrapped[N * L];
    for_wrapped(c, N * L, C, [&](std::int64_t c, int i, int count) {
      for (int k = 0; k < count; ++k) wrapped[i + k] = channels[c + k];
    });
    return load_tile<N, L>(wrapped);
  }
}

// Calls f(offset) for each row of a tile; U rows have their loads in flight together.
template <int U, class F>
__device__ __forceinline__ void for_rows(const TilePlace& t, F f) {
  std::int64_t r = 0, offset = t.offset;
  if constexpr (U > 1)
    for (; r + U <= t.rows; r += U, offset += U * t.stride) {
      UNROLL for (int u = 0; u < U; ++u) f(offset + u * t.stride);
    }
  for (; r < t.rows; ++r, offset += t.stride) f(offset);
}

// The place of a GPU thread in its block: `lanes` threads side by side over a row, `rows` rows at a time.
template <int NT, int V>
struct Place {
  int lanes, rows, row;
  std::int64_t c;  // the first of its V channels
  bool active;
  __device__ explicit Place(std::int64_t C) {
    const std::int64_t packs = C / V;
    lanes = packs < NT ? int(packs) : NT;
    rows = NT / lanes;
    row = int(threadIdx.x) / lanes;
    c = (std::int64_t(blockIdx.y) * lanes + int(threadIdx.x) % lanes) * V;
    active = row < rows && c < C;
  }
};

// Calls f.template operator()<N, L>(place) for this thread's tiles of rows first .. end: one on the GPU, all
// of them at one thread a block.
template <int NT, int V, class A, class F>
__device__ __forceinline__ void for_tiles(std::int64_t first, std::int64_t end, std::int64_t C, F f) {
  if constexpr (NT == 1) {
    constexpr int L = host_vector_bytes / int(sizeof(A)), most = host_vector_bytes == 64 ? 8 : 4;
    std::int64_t length = std::lcm(C, std::int64_t(most) * L);  // of joined rows: whole tiles,
    if (length > 1024 && C % (most * L) > 0) length = std::lcm(C, std::int64_t(L));  // or whole registers
    const std::int64_t rows = (end - first) * C / length, rest = (end - first) * C - rows * length;
    std::int64_t at = 0;
    if (rows > 0) {
      for (; at + most * L <= length; at += most * L)
        f.template operator()<most, L>(TilePlace{first * C + at, length, rows, at % C});
      for (; at < length; at += L)
        f.template operator()<1, L>(TilePlace{first * C + at, length, rows, at % C});
    }
    if (rest > 0)
      for (std::int64_t c = 0; c < C; ++c)
        f.template operator()<1, 1>(TilePlace{first * C + rows * length + c, C, rest / C, c});
  } else {
    const Place<NT, V> place(C);
    const std::int64_t row = first + place.row;
    const std::int64_t rows = place.active && row < end ? (end - row + place.rows - 1) / place.rows : 0;
    const std::int64_t c = place.active ? place.c : 0;
    f.template operator()<V, 1>(TilePlace{row * C + c, place.rows * C, rows, c});
  }
}

// Adds what the threads of a block found for their channels: out[c] = the sum over the block's tiles. At one
// thread a block `out` has been set to zero before. Every thread calls it.
template <int NT, int N, int L, class A>
__device__ __forceinline__ void add_up(const Tile<A, N, L>& tile, [[maybe_unused]] std::int64_t c,
                                       std::int64_t C, A* out) {
  if constexpr (NT == 1) {
    A sums[N * L];
    UNROLL for (int i = 0; i < N; ++i) store_rounded<A, L>(sums + i * L, tile.v[i]);
    for_wrapped(c, N * L, C, [&](std::int64_t c, int i, int count) {
      for (int k = 0; k < count; ++k) out[c + k] += sums[i + k];
    });
  } else {
    // every channel of the block gets a thread; a row of `shared` is 8 words longer than the threads, so that
    // those of several rows of it find them in different banks
    const Place<NT, N> place(C);
    SHARED(A, shared, [N][NT + 8]);
    __syncthreads();  // they may still be read from a call before
    for (int i = 0; i < N; ++i) shared[i][threadIdx.x] = tile.v[i];
    __syncthreads();
    for (int k = int(threadIdx.x); k < place.lanes * N; k += NT) {
      const int i = k / place.lanes, lane = k % place.lanes;
      const std::int64_t channel = (std::int64_t(blockIdx.y) * place.lanes + lane) * N + i;
      if (channel >= C) continue;
      A sum = shared[i][lane];
      for (int row = 1; row < place.rows; ++row) sum += shared[i][row * place.lanes + lane];
      out[channel] = sum;
    }
  }
}

// Calls f(c) for the channels of this block's tiles.
template <int NT, int V, class F>
__device__ __forceinline__ void for_own_channels(std::int64_t C, F f) {
  if constexpr (NT == 1) {
    for (std::int64_t c = 0; c < C; ++c) f(c);
  } else {
    const Place<NT, V> place(C);
    const std::int64_t first = std::int64_t(blockIdx.y) * place.lanes * V;
    const std::int64_t end = first + place.lanes * V < C ? first + place.lanes * V : C;
    for (std::int64_t c = first + threadIdx.x; c < end; c += NT) f(c);
  }
}

// Rows of a block that gives no sum of them: a slab, but on a GPU some 2,000 to 4,000 blocks where there are
// rows enough, which keep every processor busy to the end.
template <int NT>
std::int64_t strip_height(std::int64_t R, std::int64_t C) {
  if (NT == 1) return slab_height(R, C);
  const std::int64_t least = slab_height(1, C), times = R / (least * 2048);
  return least * (times < 1 ? 1 : times);
}

// The grid of for_tiles: a slab of rows for each x, a group of channels for each y.
template <int NT>
Grid rows_grid(std::int64_t slabs, std::int64_t C, int V, const char* launcher = __builtin_FUNCTION()) {
  const std::int64_t groups = NT == 1 ? 1 : ceil_div(C / V, NT);
  return {dim3(unsigned(slabs), unsigned(groups)), dim3(NT), 0, launcher};
}

// Channels of a block that adds up or merges the partial results of slabs.
template <int NT>
constexpr int merged_channels = NT == 1 ? 64 : 16;

}  // namespace kernels::inline KERNELS_COMPILER
