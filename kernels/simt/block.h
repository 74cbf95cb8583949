// The scheduler: runs the threads of one CUDA block on fibers of one OS thread.
//
// Threads run one after another on one stack until one of them waits at a barrier or a warp collective; only
// then does the next get a fiber. So a kernel without barriers costs no switch, and needs no attribute that
// says so. Natural order is by thread index; CheckOptions::order_seed permutes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/simt/sanitizers.h"
#include "kernels/simt/thread_name.h"

namespace kernels::simt {

// What CUDA allows (compute capability 9.0)
inline constexpr unsigned max_threads = 1024, warp_size = 32;
inline constexpr std::size_t max_static_shared = 48 * 1024, max_shared = 227 * 1024;

struct LaunchSite {
  const char *launcher, *file;
  int line;
};
std::string to_string(const LaunchSite&);

// The block that an OS thread is running: the part that code compiled with the kernel uses.
struct Block {
  using RunThreads = void (*)(Block&);

  unsigned threads = 0;             // in the block
  unsigned next = 0;                // position in the order of the next thread to start
  const unsigned* order = nullptr;  // null: natural
  bool tracked = false;             // the scheduler must be called at each thread's beginning and end
  unsigned running = 0;             // the thread that runs now, or ran last
  std::uint64_t serial = 0;         // number of the block among those of this OS thread
  void* dynamic_shared = nullptr;

  const void* launch = nullptr;      // for run_threads
  RunThreads run_threads = nullptr;  // starts threads on the present stack until none is left
  LaunchSite site = {"", "", 0};
};

Block& this_block();  // of this OS thread

// Runs block.threads threads, or throws SimtError.
void run_block(Block&, std::size_t dynamic_bytes);

// CpuStream: only readies the dynamic shared memory.
void begin_serial_block(Block&, std::size_t dynamic_bytes);

// Called around each thread of a tracked block; begin_thread only under ThreadSanitizer.
void begin_thread(Block&, unsigned thread, const ThreadIndices&);
void end_thread(Block&, unsigned thread);

// Returns the number of threads whose `vote` is not 0.
unsigned barrier(Block&, unsigned thread, bool vote, const char* file, int line);

void warp_barrier(Block&, unsigned thread, unsigned mask, const char* file, int line);
std::uint64_t warp_exchange(Block&, unsigned thread, unsigned mask, std::uint64_t value, unsigned from_lane,
                            const char* file, int line);
unsigned warp_ballot(Block&, unsigned thread, unsigned mask, bool vote, const char* file, int line);

// The thread has looked at memory again and again, and nothing has changed: others run before it looks again.
// first: it has begun to spin. Without fibers (in a block of one thread) only other blocks can run.
void give_way(Block&, unsigned thread, bool first, const char* file, int line);
void give_way_without_fibers(bool first, const char* file, int line);

// A float atomicAdd has added a number: `rounding` is u |addend|.
void note_float_add(double rounding);

// ThreadSanitizer: an atomic releases what its thread did before its last fence (or before a barrier after
// that fence). What earlier atomics at its address released, its thread acquires at its next fence or
// barrier.
void thread_fence(Block&);
void before_atomic(Block&, void* address);
void after_atomic(Block&, void* address);

void* allocate_shared(Block&, std::size_t bytes);

// The place of a SHARED array in the arena, found once a block. Each declaration has a slot per OS thread.
struct SharedSlot {
  std::uint64_t serial = 0;
  void* memory = nullptr;

  SIMT_UNINSTRUMENTED __attribute__((noinline)) void* get(Block& block, std::size_t bytes) {
    if (serial != block.serial) {
      memory = allocate_shared(block, bytes);
      serial = block.serial;
    }
    return memory;
  }
};

// ThreadSanitizer: called at the beginning and end of a launch, whose blocks are unordered.
void begin_launch();
void end_launch();

}  // namespace kernels::simt
