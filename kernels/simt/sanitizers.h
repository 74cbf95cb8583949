// Informs the sanitizers of fibers and shared memory. Without a sanitizer the functions are empty.
// docs/simt.md explains how ThreadSanitizer is made to see CUDA threads.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_ASAN 1
#endif
#endif

// The runtime is not instrumented for ThreadSanitizer, so its build defines SIMT_TSAN; kernels are.
#if defined(__SANITIZE_THREAD__)
#define SIMT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) && !defined(SIMT_TSAN)
#define SIMT_TSAN 1
#endif
#endif

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define SIMT_MSAN 1
#endif
#endif

// Marks functions of the runtime that are compiled with the kernels. (clang's no_sanitize("thread") still
// records function entry and exit, which do not balance where contexts are switched.)
#if defined(__clang__) && defined(SIMT_TSAN)
#define SIMT_UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#else
#define SIMT_UNINSTRUMENTED __attribute__((no_sanitize("thread")))
#endif

#ifdef SIMT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef SIMT_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#ifdef SIMT_MSAN
#include <sanitizer/msan_interface.h>
#endif

namespace kernels::simt {

#ifdef SIMT_ASAN
inline constexpr std::size_t red_zone = 128;  // bytes around each shared array
inline void poison_region(const void* begin, std::size_t bytes) { __asan_poison_memory_region(begin, bytes); }
inline void unpoison_region(const void* begin, std::size_t bytes) {
  __asan_unpoison_memory_region(begin, bytes);
}
#else
inline constexpr std::size_t red_zone = 0;
inline void poison_region(const void*, std::size_t) {}
inline void unpoison_region(const void*, std::size_t) {}
#endif

// MemorySanitizer reports a read of this memory before a thread has written there.
#ifdef SIMT_MSAN
inline void mark_unwritten(const void* begin, std::size_t bytes) { __msan_allocated_memory(begin, bytes); }
#else
inline void mark_unwritten(const void*, std::size_t) {}
#endif

#ifdef SIMT_TSAN
inline constexpr bool tsan = true;
inline void* create_context() { return __tsan_create_fiber(0); }
inline void destroy_context(void* context) { __tsan_destroy_fiber(context); }
inline void name_context(void* context, const char* name) { __tsan_set_fiber_name(context, name); }
inline void* current_context() { return __tsan_get_current_fiber(); }
inline void switch_context(void* context) { __tsan_switch_to_fiber(context, __tsan_switch_to_fiber_no_sync); }
inline void acquire(void* object) { __tsan_acquire(object); }
inline void release(void* object) { __tsan_release(object); }
inline void flush_history() { __tsan_flush_memory(); }
#else
inline constexpr bool tsan = false;
inline void* create_context() { return nullptr; }
inline void destroy_context(void*) {}
inline void name_context(void*, const char*) {}
inline void* current_context() { return nullptr; }
inline void switch_context(void*) {}
inline void acquire(void*) {}
inline void release(void*) {}
inline void flush_history() {}
#endif

}  // namespace kernels::simt
