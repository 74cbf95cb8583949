// Fibers: stacks, and the switch from one to another by Boost.Context's fcontext (12 ns; x86-64 and aarch64).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace kernels::simt {

inline constexpr unsigned no_thread = ~0u;

struct Fiber {
  void* position = nullptr;  // where it goes on, while it does not run
  char* stack = nullptr;     // lowest byte
  std::size_t stack_bytes = 0;
  Fiber* next_free = nullptr;

  void* fake_stack = nullptr;  // AddressSanitizer's
  void* context =
      nullptr;  // ThreadSanitizer's, bound to the stack, so that a reused stack has the right shadow

  // the CUDA thread that it runs, and the collective at which that waits
  unsigned thread = no_thread;
  bool fenced = false;  // it has passed a __threadfence
  char fence = 0;       // ThreadSanitizer: knows what came before the last one
  const char* waits_at = nullptr;
  const char* file = nullptr;
  int line = 0;

  // of a warp collective: what the lane gives, from which lane it wants something, what it got, who took part
  std::uint64_t given = 0, got = 0;
  unsigned from_lane = 0, met = 0;
};

// Goes on with `to`; returns when somebody goes on with `from`, which is the caller.
void switch_fiber(Fiber& from, Fiber& to);

// What each fiber does, defined by the scheduler. Never returns: a fiber that has nothing to do is parked.
[[noreturn]] void fiber_main();

// The fibers of one OS thread. Mapping a stack costs microseconds, so they are kept.
class FiberPool {
 public:
  FiberPool() = default;
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  Fiber& take();
  void park(Fiber&);

  // Puts every fiber back to its beginning, whatever it was doing (kernels own nothing that must be freed).
  void reset();

  // ThreadSanitizer only: from now on take() gives the fibers of this group of `size`, beginning with the
  // `first`th, each at its beginning.
  void deal(std::size_t group, std::size_t size, std::size_t first);

  // ThreadSanitizer only: after an error, the host comes to know all that the threads did, and contexts that
  // were left in mid-kernel are replaced.
  void renew_contexts(void* host_context);

 private:
  Fiber& add();
  static void rewind(Fiber&, std::size_t index);

  std::vector<std::unique_ptr<Fiber>> all_;
  Fiber* free_ = nullptr;
};

}  // namespace kernels::simt
