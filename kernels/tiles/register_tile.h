// The register tile: what one thread loads, computes with and stores at a time. N registers of L neighbouring
// elements each, in the type of sums (f32 where the array is bf16).
//
// On the GPU L is 1 and a tile of N elements is loaded and stored in packs of up to 16 bytes, so the array
// must begin at a multiple of the pack. At one thread a block L is the width of a vector register.
#pragma once

#include "kernels/simt.h"
#include "kernels/tiles/vector.h"

namespace kernels::inline KERNELS_COMPILER {

// V neighbouring elements, which the GPU loads or stores by one instruction.
template <class T, int V>
struct alignas(V * sizeof(T)) Pack {
  T v[V];
};

// The number of elements in each of the packs that N elements are cut into.
template <class T, int N>
constexpr int pack_size = 16 / int(sizeof(T)) < N ? 16 / int(sizeof(T)) : N;

template <class A, int N, int L>
struct Tile {
  Vector<A, L> v[N];
};

// Passes the shape of a tile to a lambda as an argument, from which the lambda deduces N and L.
template <int N, int L>
struct TileShape {};

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
  } else {  // rounds to nearest, ties to even; NaN stays NaN
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
    constexpr int V = pack_size<T, N>;
    static_assert(N % V == 0, "whole packs");
    UNROLL for (int i = 0; i < N; i += V) {
      const auto pack = *reinterpret_cast<const Pack<T, V>*>(p + i);
      UNROLL for (int k = 0; k < V; ++k) tile.v[i + k] = A(pack.v[k]);
    }
  } else {
    UNROLL for (int i = 0; i < N; ++i) tile.v[i] = load_widened<A, L>(p + i * L);
  }
  return tile;
}

// past: the result of past_cache() for the array.
template <int N, int L, class T>
__device__ __forceinline__ void store_tile(T* p, const Tile<acc_t<T>, N, L>& tile, bool past = false) {
  if constexpr (L == 1 && N > 1) {
    constexpr int V = pack_size<T, N>;
    static_assert(N % V == 0, "whole packs");
    UNROLL for (int i = 0; i < N; i += V) {
      Pack<T, V> pack;
      UNROLL for (int k = 0; k < V; ++k) pack.v[k] = T(tile.v[i + k]);
      *reinterpret_cast<Pack<T, V>*>(p + i) = pack;
    }
  } else if (std::is_same_v<T, acc_t<T>> && past) {
    UNROLL for (int i = 0; i < N; ++i) store_past_cache(p + i * L, tile.v[i]);
  } else {
    UNROLL for (int i = 0; i < N; ++i) store_rounded<acc_t<T>, L>(p + i * L, tile.v[i]);
  }
}

// The tiles of M rows of a matrix, whose rows are `ld` elements apart, at any alignment. Only rows x columns
// elements are inside: those outside are loaded as zero and not stored.
template <int M, int N, int L, class A>
__device__ __forceinline__ void load_tile(Tile<A, N, L> (&tile)[M], const A* from, std::int64_t ld, int rows,
                                          int columns) {
  if (rows >= M && columns >= N * L) {
    UNROLL for (int r = 0; r < M; ++r) UNROLL for (int j = 0; j < N; ++j) tile[r].v[j] =
        load_widened<A, L>(from + r * ld + j * L);
  } else {
    UNROLL for (int r = 0; r < M; ++r) UNROLL for (int j = 0; j < N; ++j) {
      if constexpr (L == 1)
        tile[r].v[j] = r < rows && j < columns ? from[r * ld + j] : A(0);
      else
        tile[r].v[j] = load_part<Vector<A, L>>(from + r * ld + j * L, r < rows ? columns - j * L : 0);
    }
  }
}
template <int M, int N, int L, class A>
__device__ __forceinline__ void store_tile(const Tile<A, N, L> (&tile)[M], A* to, std::int64_t ld, int rows,
                                           int columns) {
  if (rows >= M && columns >= N * L) {
    UNROLL for (int r = 0; r < M; ++r) UNROLL for (int j = 0; j < N; ++j)
        store_rounded<A, L>(to + r * ld + j * L, tile[r].v[j]);
  } else {
    UNROLL for (int r = 0; r < M; ++r) UNROLL for (int j = 0; j < N; ++j) {
      if constexpr (L == 1) {
        if (r < rows && j < columns) to[r * ld + j] = tile[r].v[j];
      } else {
        store_part(to + r * ld + j * L, tile[r].v[j], r < rows ? columns - j * L : 0);
      }
    }
  }
}

}  // namespace kernels::inline KERNELS_COMPILER
