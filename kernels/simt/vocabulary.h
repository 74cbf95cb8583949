// CUDA's built-in names for the host compilers: thread indices, barriers, warp shuffles and votes, atomics.
// In a block of one thread they fold to constants and nothing. math.h has the functions, vector_types.h the
// types.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "kernels/simt/block.h"
#include "kernels/simt/vector_types.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the names are CUDA's

#define SIMT_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

// All of this is local to the translation unit. The indices are never address-taken, so no store through a
// pointer can alias them, and loops over threads vectorise.
namespace {

thread_local uint3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

thread_local unsigned simt_threads;  // in the block
thread_local kernels::simt::Block* simt_block;
thread_local bool simt_on_fibers;
thread_local unsigned simt_looks;  // of the thread, at memory that atomics found unchanged, one after another

// ---- barriers ------------------------------------------------------------------------------------

SIMT_UNINSTRUMENTED inline unsigned simt_thread() {
  return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}

// While a thread waits, others run on this OS thread, so its index is kept on its stack.
SIMT_UNINSTRUMENTED __attribute__((noinline)) inline unsigned simt_barrier(bool vote, const char* file,
                                                                           int line) {
  const uint3 self = threadIdx;
  const unsigned votes = kernels::simt::barrier(*simt_block, simt_thread(), vote, file, line);
  threadIdx = self;
  simt_looks = 0;
  return votes;
}

__forceinline__ void __syncthreads(SIMT_CALLER) {
  if (simt_threads != 1) simt_barrier(false, file, line);
}
__forceinline__ int __syncthreads_or(int p, SIMT_CALLER) {
  return simt_threads == 1 ? p != 0 : simt_barrier(p != 0, file, line) != 0;
}
__forceinline__ int __syncthreads_and(int p, SIMT_CALLER) {
  return simt_threads == 1 ? p != 0 : simt_barrier(p == 0, file, line) == 0;
}
__forceinline__ int __syncthreads_count(int p, SIMT_CALLER) {
  return simt_threads == 1 ? p != 0 : static_cast<int>(simt_barrier(p != 0, file, line));
}

SIMT_UNINSTRUMENTED __attribute__((noinline)) inline void simt_warp_barrier(unsigned mask, const char* file,
                                                                            int line) {
  const uint3 self = threadIdx;
  kernels::simt::warp_barrier(*simt_block, simt_thread(), mask, file, line);
  threadIdx = self;
  simt_looks = 0;
}
__forceinline__ void __syncwarp(unsigned mask = ~0u, SIMT_CALLER) {
  if (simt_threads != 1) simt_warp_barrier(mask, file, line);
}

// Called with each atomic that has changed nothing, and each fence. A thread that spins makes many of them,
// and gives way from the 64th on, so that others can do what it waits for.
SIMT_UNINSTRUMENTED __attribute__((noinline)) inline void simt_give_way(const char* file, int line) {
  const uint3 self = threadIdx;
  const unsigned looks = simt_looks;
  const bool first = looks == 64;
  if (simt_on_fibers)
    kernels::simt::give_way(*simt_block, simt_thread(), first, file, line);
  else
    kernels::simt::give_way_without_fibers(first, file, line);
  threadIdx = self;
  simt_looks = looks;
}
SIMT_UNINSTRUMENTED inline void simt_look(bool changed, const char* file, int line) {
  if (changed)
    simt_looks = 0;
  else if (++simt_looks >= 64)
    simt_give_way(file, line);
}

SIMT_UNINSTRUMENTED inline void __nanosleep(unsigned, SIMT_CALLER) {
  simt_looks = simt_looks < 64 ? 64 : simt_looks + 1;
  simt_give_way(file, line);
}

// GCC has no atomic_thread_fence under ThreadSanitizer
inline void __threadfence(SIMT_CALLER) {
  simt_look(false, file, line);
  if constexpr (kernels::simt::tsan)
    kernels::simt::thread_fence(*simt_block);
  else
    __atomic_signal_fence(__ATOMIC_SEQ_CST), __sync_synchronize();
}
inline void __threadfence_block(SIMT_CALLER) {
  simt_look(false, file, line);
  if constexpr (kernels::simt::tsan) kernels::simt::thread_fence(*simt_block);
}

// ---- warp shuffles and votes ----------------------------------------------------------------------

SIMT_UNINSTRUMENTED __attribute__((noinline)) inline std::uint64_t simt_exchange(unsigned mask,
                                                                                 std::uint64_t value,
                                                                                 int from_lane,
                                                                                 const char* file, int line) {
  const uint3 self = threadIdx;
  const std::uint64_t got = kernels::simt::warp_exchange(*simt_block, simt_thread(), mask, value,
                                                         static_cast<unsigned>(from_lane), file, line);
  threadIdx = self;
  simt_looks = 0;
  return got;
}

template <class T>
__forceinline__ T simt_shuffle(unsigned mask, T value, int from_lane, const char* file, int line) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "as CUDA's shuffles");
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<T>(
      static_cast<Bits>(simt_exchange(mask, std::bit_cast<Bits>(value), from_lane, file, line)));
}

inline int simt_lane() { return static_cast<int>(simt_thread() & 31u); }

template <class T>
__forceinline__ T __shfl_sync(unsigned mask, T value, int lane, int width = 32, SIMT_CALLER) {
  if (simt_threads == 1) return value;
  const int begin = simt_lane() & ~(width - 1);
  return simt_shuffle(mask, value, begin | (lane & (width - 1)), file, line);
}
template <class T>
__forceinline__ T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_CALLER) {
  if (simt_threads == 1) return value;
  const int self = simt_lane(), begin = self & ~(width - 1), from = self - static_cast<int>(delta);
  return simt_shuffle(mask, value, from < begin ? self : from, file, line);
}
template <class T>
__forceinline__ T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_CALLER) {
  if (simt_threads == 1) return value;
  const int self = simt_lane(), end = (self & ~(width - 1)) + width, from = self + static_cast<int>(delta);
  return simt_shuffle(mask, value, from < end ? from : self, file, line);
}
template <class T>
__forceinline__ T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, SIMT_CALLER) {
  if (simt_threads == 1) return value;
  const int self = simt_lane(), end = (self & ~(width - 1)) + width, from = self ^ lanes;
  return simt_shuffle(mask, value, from < end ? from : self, file, line);
}

SIMT_UNINSTRUMENTED __attribute__((noinline)) inline unsigned simt_ballot(unsigned mask, bool vote,
                                                                          const char* file, int line) {
  const uint3 self = threadIdx;
  const unsigned votes = kernels::simt::warp_ballot(*simt_block, simt_thread(), mask, vote, file, line);
  threadIdx = self;
  simt_looks = 0;
  return votes;
}
__forceinline__ unsigned __ballot_sync(unsigned mask, int p, SIMT_CALLER) {
  return simt_threads == 1 ? p != 0 : simt_ballot(mask, p != 0, file, line);
}
__forceinline__ int __any_sync(unsigned mask, int p, SIMT_CALLER) {
  return __ballot_sync(mask, p, file, line) != 0;
}
__forceinline__ int __all_sync(unsigned mask, int p, SIMT_CALLER) {
  return __ballot_sync(mask, !p, file, line) == 0;
}

// f(lane, value) for the value of each lane in mask, in order of lane; a thread alone is lane 0.
template <class T, class F>
inline void simt_for_lanes(unsigned mask, T value, F f, const char* file, int line) {
  if (simt_threads == 1) return f(0, value);
  for (int lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1u) != 0) f(lane, simt_shuffle(mask, value, lane, file, line));
}
// Folds `f` over `first` and the lanes' values.
template <class T, class F>
inline T simt_fold(unsigned mask, T first, T value, F f, const char* file, int line) {
  T result = first;
  simt_for_lanes(
      mask, value, [&](int, T other) { result = f(result, other); }, file, line);
  return result;
}
// for int and unsigned, as CUDA's; the last three for unsigned
template <class T>
inline T __reduce_add_sync(unsigned mask, T value, SIMT_CALLER) {
  return simt_fold(
      mask, T(0), value, [](T a, T b) { return static_cast<T>(unsigned(a) + unsigned(b)); }, file, line);
}
template <class T>
inline T __reduce_min_sync(unsigned mask, T value, SIMT_CALLER) {
  return simt_fold(
      mask, value, value, [](T a, T b) { return b < a ? b : a; }, file, line);
}
template <class T>
inline T __reduce_max_sync(unsigned mask, T value, SIMT_CALLER) {
  return simt_fold(
      mask, value, value, [](T a, T b) { return a < b ? b : a; }, file, line);
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value, SIMT_CALLER) {
  return simt_fold(
      mask, value, value, [](unsigned a, unsigned b) { return a & b; }, file, line);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value, SIMT_CALLER) {
  return simt_fold(
      mask, 0u, value, [](unsigned a, unsigned b) { return a | b; }, file, line);
}
inline unsigned __reduce_xor_sync(unsigned mask, unsigned value, SIMT_CALLER) {
  return simt_fold(
      mask, 0u, value, [](unsigned a, unsigned b) { return a ^ b; }, file, line);
}

// The lanes in mask whose value has the same bits as this lane's.
template <class T>
inline unsigned __match_any_sync(unsigned mask, T value, SIMT_CALLER) {
  unsigned same = 0;
  const auto compare = [&](int lane, T other) {
    if (__builtin_memcmp(&other, &value, sizeof value) == 0) same |= 1u << lane;
  };
  simt_for_lanes(mask, value, compare, file, line);
  return same;
}
// mask if all lanes have the same value, else 0
template <class T>
inline unsigned __match_all_sync(unsigned mask, T value, int* all, SIMT_CALLER) {
  const unsigned same = __match_any_sync(mask, value, file, line);
  *all = same == (simt_threads == 1 ? 1u : mask);
  return *all ? same : 0u;
}

// ---- atomics -------------------------------------------------------------------------------------

template <class T>
using simt_same = std::type_identity_t<T>;  // the pointer's type decides, as among CUDA's overloads

// Around each atomic: shows ThreadSanitizer what an earlier fence orders.
struct simt_atomic_order {
  void* address;
  explicit simt_atomic_order(void* p) : address(p) {
    if constexpr (kernels::simt::tsan) kernels::simt::before_atomic(*simt_block, address);
  }
  ~simt_atomic_order() {
    if constexpr (kernels::simt::tsan) kernels::simt::after_atomic(*simt_block, address);
  }
};

template <class T>
inline bool simt_differ(const T& a, const T& b) {
  return __builtin_memcmp(&a, &b, sizeof a) != 0;
}

// *p = change(*p); returns the old value
template <class T, class Change>
inline T simt_atomic(T* p, Change change, const char* file, int line) {
  T old, wanted;
  {
    const simt_atomic_order order(p);
    __atomic_load(p, &old, __ATOMIC_RELAXED);
    do wanted = change(old);
    while (!__atomic_compare_exchange(p, &old, &wanted, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  }
  simt_look(simt_differ(old, wanted), file, line);
  return old;
}

template <class T>
inline T atomicAdd(T* p, simt_same<T> v, SIMT_CALLER) {
  if constexpr (std::is_floating_point_v<T>) {
    constexpr double unit_roundoff = sizeof(T) == 4 ? 0x1p-24 : 0x1p-53;
    if (v != T(0)) kernels::simt::note_float_add(unit_roundoff * (v < T(0) ? -v : v));
    return simt_atomic(
        p, [v](T old) { return old + v; }, file, line);
  } else {
    T old;
    {
      const simt_atomic_order order(p);
      old = __atomic_fetch_add(p, v, __ATOMIC_RELAXED);
    }
    simt_look(v != 0, file, line);
    return old;
  }
}
template <class T>
inline T atomicSub(T* p, simt_same<T> v, SIMT_CALLER) {
  return atomicAdd(p, static_cast<T>(-std::make_unsigned_t<T>(v)), file, line);
}
template <class T>
inline T atomicMax(T* p, simt_same<T> v, SIMT_CALLER) {
  return simt_atomic(
      p, [v](T old) { return old < v ? v : old; }, file, line);
}
template <class T>
inline T atomicMin(T* p, simt_same<T> v, SIMT_CALLER) {
  return simt_atomic(
      p, [v](T old) { return v < old ? v : old; }, file, line);
}
template <class T>
inline T atomicExch(T* p, simt_same<T> v, SIMT_CALLER) {
  return simt_atomic(
      p, [v](T) { return v; }, file, line);
}
template <class T>
inline T atomicCAS(T* p, simt_same<T> expected, simt_same<T> v, SIMT_CALLER) {
  return simt_atomic(
      p, [expected, v](T old) { return simt_differ(old, T(expected)) ? old : T(v); }, file, line);
}
template <class T>
inline T atomicAnd(T* p, simt_same<T> v, SIMT_CALLER) {
  return simt_atomic(
      p, [v](T old) { return static_cast<T>(old & v); }, file, line);
}
template <class T>
inline T atomicOr(T* p, simt_same<T> v, SIMT_CALLER) {
  return simt_atomic(
      p, [v](T old) { return static_cast<T>(old | v); }, file, line);
}
template <class T>
inline T atomicXor(T* p, simt_same<T> v, SIMT_CALLER) {
  return simt_atomic(
      p, [v](T old) { return static_cast<T>(old ^ v); }, file, line);
}

// Inc counts up to `most` and starts at 0 again; Dec counts down to 0 and starts at `most` again.
inline unsigned atomicInc(unsigned* p, unsigned most, SIMT_CALLER) {
  return simt_atomic(
      p, [most](unsigned old) { return old >= most ? 0u : old + 1; }, file, line);
}
inline unsigned atomicDec(unsigned* p, unsigned most, SIMT_CALLER) {
  return simt_atomic(
      p, [most](unsigned old) { return old == 0 || old > most ? most : old - 1; }, file, line);
}

template <class T>
inline T __ldg(const T* p) {
  return *p;
}

}  // namespace

// NOLINTEND(bugprone-reserved-identifier)
