// The host side of simt.h: CUDA's language for g++ and clang++.
#pragma once

#ifdef KERNELS_SIMT_STREAM  // compiled with other options, so its inline functions need other names
#define KERNELS_COMPILER host_simt
#else
#define KERNELS_COMPILER host
#endif
#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __shared__ in_a_simt_kernel_shared_memory_is_SHARED_of_kernels_simt_h_not  // an error that says so
#define __align__(n) alignas(n)
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#include "kernels/simt/launch_host.h"
#include "kernels/simt/math.h"
#include "kernels/simt/vocabulary.h"

// SHARED is a thread-local array on CpuStream, which no pointer can alias. On fibers it is a piece of the
// block's arena, with red zones and poison.
#if defined(DYAD_SIMT_ONLY)
#define SHARED(T, name, dims)                                  \
  using name##_type = T dims;                                  \
  static thread_local ::kernels::simt::SharedSlot name##_slot; \
  name##_type& name = *static_cast<name##_type*>(name##_slot.get(*simt_block, sizeof(name##_type)))
#else
#define SHARED(T, name, dims)                                  \
  using name##_type = T dims;                                  \
  alignas(64) static thread_local name##_type name##_cpu;      \
  static thread_local ::kernels::simt::SharedSlot name##_slot; \
  name##_type& name = simt_threads == 1                        \
                          ? name##_cpu                         \
                          : *static_cast<name##_type*>(name##_slot.get(*simt_block, sizeof(name##_type)))
#endif
#define SHARED_DYNAMIC(T, name) \
  T* name = static_cast<T*>(__builtin_assume_aligned(simt_block->dynamic_shared, 128))
