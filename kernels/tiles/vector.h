// Vector<T, L>: L neighbouring elements that one thread holds in a register. L is 1 on the GPU, where the
// lanes of a warp are the vector, and a register's width at one thread a block on the host, where g++ does
// not keep the arrays of a register tile in registers by itself.
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
constexpr int host_vector_bytes = 64;
#elif defined(__AVX__)
constexpr int host_vector_bytes = 32;
#else
constexpr int host_vector_bytes = 16;
#endif

// Elements of T in one thread's register.
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

// From and to memory of any alignment.
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

// Whether stores of V should go past the caches of the CPU: none of the array's first lines would be left in
// them when its last are written, and an ordinary store reads its line first. Its rows of `row` elements must
// start where such a store can.
template <class V, class T>
__device__ __forceinline__ bool past_cache([[maybe_unused]] const T* array,
                                           [[maybe_unused]] std::int64_t elements,
                                           [[maybe_unused]] std::int64_t row) {
#if !defined(__CUDACC__) && defined(__AVX__)
  constexpr std::int64_t large = std::int64_t(1)
                                 << 24;  // bytes; the gain is gone where a core's share of L3 holds it
  return sizeof(V) >= 32 && elements * std::int64_t(sizeof(T)) > large && row * sizeof(T) % sizeof(V) == 0 &&
         reinterpret_cast<std::uintptr_t>(array) % sizeof(V) == 0;
#else
  return false;
#endif
}
// Where past_cache() says so. Other threads see such stores after the next locked instruction of this one;
// the end of a parallel region has one.
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

// Brings the line of `at`, which need not be anybody's memory, near the core, to be read or written: on the
// host, where a lone thread waits for memory. On the GPU other warps run meanwhile.
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

// The first `count` elements; the rest is zero, or stays.
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

}  // namespace kernels::inline KERNELS_COMPILER
