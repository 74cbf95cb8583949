// Fibers: stacks, and the switch from one to another by Boost.Context's fcontext (12 ns; x86-64 and aarch64).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace kernels::simt {

inline constexpr unsigned no_thread = ~0u;

struct Fiber {
  void* position = nullptr;  // where it continues, while it does not run
  char* stack = nullptr;     // lowest byte
  std::size_t stack_bytes = 0;
  Fiber* next_free = nullptr;

  void* fake_stack = nullptr;  // AddressSanitizer's
  void* context =
      nullptr;  // ThreadSanitizer's, bound to the stack, so that a reused stack has the right shadow

  // the CUDA thread that it runs, and the collective at which the thread waits
  unsigned thread = no_thread;
  bool fenced = false;  // it has passed a __threadfence
  char fence = 0;       // ThreadSanitizer: the object that the last fence released
  void* seen[4] = {};   // ThreadSanitizer: addresses of its atomics since its last fence or barrier
  unsigned seen_count = 0;
  const char* waits_at = nullptr;
  const char* file = nullptr;
  int line = 0;

  // of a warp collective: the lane's value, the value it got, the lane it reads, the lanes that took part
  std::uint64_t given = 0, got = 0;
  unsigned from_lane = 0, met = 0;
};

// Switches from `from`, which is the caller, to `to`; returns when a fiber switches back to `from`.
void switch_fiber(Fiber& from, Fiber& to);

// What each fiber does, defined by the scheduler. Never returns: a fiber that has nothing to do is parked.
[[noreturn]] void fiber_main();

// The fibers of one OS thread. They are kept, since mapping a stack costs microseconds.
class FiberPool {
 public:
  FiberPool() = default;
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  Fiber& take();
  void park(Fiber&);

  // Resets every fiber to its beginning, at any point of a kernel (kernels own nothing that must be freed).
  void reset();

  // ThreadSanitizer only: from now on take() gives the fibers of this group of `size`, beginning with the
  // `first`th, each at its beginning.
  void deal(std::size_t group, std::size_t size, std::size_t first);

  // ThreadSanitizer only: after an error, makes what the threads did known to the host, and replaces the
  // contexts that were left in the middle of a kernel.
  void renew_contexts(void* host_context);

 private:
  Fiber& add();
  static void rewind(Fiber&, std::size_t index);

  std::vector<char*> slabs_;  // of stacks
  std::vector<std::unique_ptr<Fiber>> all_;
  Fiber* free_ = nullptr;
};

}  // namespace kernels::simt
