// Vector<T, L>: L neighbouring elements that one thread holds in a register. On the GPU L is 1: the lanes of
// a warp are the vector. At one thread a block on the host L is the width of a vector register; the vectors
// are spelled out because g++ does not keep the arrays of a register tile in registers by itself.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#ifdef __AVX__
#include <immintrin.h>
#endif

#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {

#if defined(__AVX512F__)
constexpr int host_vector_bytes = 64, host_vector_registers = 32;
#elif defined(__AVX__)
constexpr int host_vector_bytes = 32, host_vector_registers = 16;
#else
constexpr int host_vector_bytes = 16, host_vector_registers = 16;
#endif

// The elements of T in one register of a thread.
template <class Stream, class T>
constexpr int lanes = choose<Stream>(1, host_vector_bytes / int(sizeof(T)));

#ifdef __CUDACC__
template <class T, int L>
using Vector = T;
#else
template <class T, int L>
struct VectorOf {
  typedef T type __attribute__((vector_size(L * sizeof(T))));
};
template <class T>
struct VectorOf<T, 1> {
  using type = T;
};
template <class T, int L>
using Vector = typename VectorOf<T, L>::type;
#endif

// Loads and stores at any alignment.
template <class V, class T>
__device__ __forceinline__ V load(const T* from) {
  V v;
  memcpy(&v, from, sizeof(V));
  return v;
}
template <class V, class T>
__device__ __forceinline__ void store(T* to, V v) {
  memcpy(to, &v, sizeof(V));
}

// Whether stores of V to the array should go past the CPU's caches. They should if the array is so large that
// its first lines have left the caches when its last are written: an ordinary store would read each line
// first, for nothing. Such a store must be aligned to V, so every row of `row` elements must be.
template <class V, class T>
__device__ __forceinline__ bool past_cache([[maybe_unused]] const T* array,
                                           [[maybe_unused]] std::int64_t elements,
                                           [[maybe_unused]] std::int64_t row) {
#if !defined(__CUDACC__) && defined(__AVX__)
  // bytes; there is no gain for an array that fits a core's share of L3
  constexpr std::int64_t large = std::int64_t(1) << 24;
  return sizeof(V) >= 32 && elements * std::int64_t(sizeof(T)) > large && row * sizeof(T) % sizeof(V) == 0 &&
         reinterpret_cast<std::uintptr_t>(array) % sizeof(V) == 0;
#else
  return false;
#endif
}
// A store past the caches, for arrays for which past_cache() is true. Other threads see it after this
// thread's next locked instruction; the end of a parallel region has one.
template <class V, class T>
__device__ __forceinline__ void store_past_cache(T* to, V v) {
#if !defined(__CUDACC__) && defined(__AVX__)
#ifdef __AVX512F__
  if constexpr (sizeof(V) == 64) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), std::bit_cast<__m512i>(v));
    return;
  }
#endif
  if constexpr (sizeof(V) == 32) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), std::bit_cast<__m256i>(v));
    return;
  }
#endif
  store(to, v);
}

// Prefetches the cache line of `at` for reading or writing; the address need not be valid. Does something on
// the host only: on the GPU other warps run while one waits for memory.
__device__ __forceinline__ void prefetch(const void* at) {
#ifndef __CUDACC__
  __builtin_prefetch(at);
#endif
}
__device__ __forceinline__ void prefetch_to_write(const void* at) {
#ifndef __CUDACC__
  __builtin_prefetch(at, 1);
#endif
}

// Loads the first `count` elements and sets the others to zero; stores the first `count` elements only.
template <class V, class T>
__device__ __forceinline__ V load_part(const T* from, int count) {
  constexpr int most = int(sizeof(V) / sizeof(T));
  V v{};
  if (count > 0) memcpy(&v, from, std::size_t(count < most ? count : most) * sizeof(T));
  return v;
}
template <class V, class T>
__device__ __forceinline__ void store_part(T* to, V v, int count) {
  constexpr int most = int(sizeof(V) / sizeof(T));
  if (count > 0) memcpy(to, &v, std::size_t(count < most ? count : most) * sizeof(T));
}

// What an array of M holds of a register V of float or double: V itself, or its values in bf16. widen() and
// narrow() convert between the two; narrow() rounds to nearest, ties to even, and keeps NaN.
template <class V, class M>
struct StoredAs {
  using type = V;
};
template <class V>
struct StoredAs<V, bf16> {
  using type = std::conditional_t<sizeof(V) == sizeof(float), bf16, Vector<std::uint16_t, sizeof(V) / 4>>;
};
template <class V, class M>
using Stored = typename StoredAs<V, M>::type;

template <class V, class S>
__device__ __forceinline__ V widen(S stored) {
  if constexpr (std::is_same_v<V, S>) {
    return stored;
  } else if constexpr (std::is_same_v<S, bf16>) {
    return V(stored);
  } else {
#ifndef __CUDACC__
    using Bits = Vector<std::uint32_t, sizeof(V) / 4>;
    return std::bit_cast<V>(__builtin_convertvector(stored, Bits) << 16);
#endif
  }
}
template <class M, class V>
__device__ __forceinline__ Stored<V, M> narrow(V v) {
  using S = Stored<V, M>;
  if constexpr (std::is_same_v<V, S>) {
    return v;
  } else if constexpr (std::is_same_v<S, bf16>) {
    return bf16(v);
  } else {
#ifndef __CUDACC__
    using Bits = Vector<std::uint32_t, sizeof(V) / 4>;
    const Bits b = std::bit_cast<Bits>(v), rounded = (b + 0x7fffu + (b >> 16 & 1u)) >> 16;
    return __builtin_convertvector((b & 0x7fffffffu) > 0x7f800000u ? b >> 16 | 0x40u : rounded, S);
#endif
  }
}

// v, or zero where `zero` is true. For float the host masks the bits: where v is rounded to bf16 next, g++
// compiles a choice to a branch, and a loop with a branch does not vectorise.
template <class Zero, class V>
__device__ __forceinline__ V unless(Zero zero, V v) {
#ifndef __CUDACC__
  if constexpr (std::is_same_v<V, float>)
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(v) & (std::uint32_t(zero) - 1));
#endif
  return zero ? V{} : v;
}

// ReLU: v where it is not below zero, else zero. NaN stays NaN.
template <class V>
__device__ __forceinline__ V zero_below(V v) {
  return unless(v < 0, v);
}
// ReLU backward: v where `sign` is above zero, else zero.
template <class V>
__device__ __forceinline__ V where_positive(V sign, V v) {
  return unless(sign <= 0, v);
}

}  // namespace kernels::inline KERNELS_COMPILER
