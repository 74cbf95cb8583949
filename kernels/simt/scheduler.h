// The state of the scheduler (block.cpp) of one OS thread: which threads of the block can run, wait, or spin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/simt/block.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/random_order.h"

namespace kernels::simt {

constexpr unsigned warps_per_block = max_threads / warp_size;

// The threads that can continue, at most all threads of a block. In natural order the first in is the first
// out. Permuted blocks take any one, or the newest, which lets some threads run ahead as far as they can.
class ReadyQueue {
 public:
  enum class Pick { oldest, any, newest };
  Pick pick = Pick::oldest;

  bool empty() const { return head_ == tail_; }
  void clear() { head_ = tail_ = 0; }
  Fiber& pop(RandomOrder& random) {
    if (pick == Pick::newest) return *item(--tail_);
    if (pick == Pick::any) std::swap(item(head_), item(head_ + random.below(tail_ - head_)));
    return *item(head_++);
  }
  void push(Fiber* const* fibers, unsigned count) {
    for (unsigned i = 0; i < count; ++i) item(tail_++) = fibers[i];
  }

 private:
  Fiber*& item(unsigned i) { return items_[i % max_threads]; }
  Fiber* items_[max_threads];
  unsigned head_ = 0, tail_ = 0;
};

// A warp collective in flight: the lanes of `mask` meet at one place in the source.
struct Collective {
  unsigned mask = 0, arrived = 0;
  const char* file = nullptr;
  int line = 0;
  Fiber* fibers[warp_size];  // in the order of their arrival
  unsigned count = 0;
  unsigned number = 0;  // among the warp's
};

struct Warp {
  unsigned exists = 0, exited = 0;  // lanes
  Collective collectives[4];        // with different masks
  unsigned started = 0;             // collectives so far

  unsigned present(unsigned mask) const { return mask & exists & ~exited; }
};

// The objects that barriers release and acquire for ThreadSanitizer. The next barrier needs another object: a
// thread that acquires late would learn what the others did after the barrier. Each block needs its own,
// since a barrier must not order blocks.
struct SyncObjects {
  char barrier[2], warp[warps_per_block][8];
};

struct Scheduler : Block {
  FiberPool pool;
  Fiber main;  // the OS thread's own stack
  Fiber* current = &main;
  ReadyQueue ready;

  Fiber* waiting[max_threads];  // at the block's barrier
  unsigned waiting_count = 0;
  unsigned barriers = 0;  // passed
  unsigned votes = 0, counted_votes = 0;

  Fiber* spinning[max_threads];  // have given way
  unsigned spinning_count = 0;
  bool moved = false;  // a thread has got on since the last round of those that spin

  bool synced = false;  // a collective has been reached, so exits are counted
  unsigned exited = 0;
  Warp warps[warps_per_block];

  bool strict = true, permuted = false, failed = false, diverged = false;
  RandomOrder random;
  std::vector<unsigned> permutation;
  char error[512] = "";
  std::exception_ptr exception;

  char* arena = nullptr;
  std::size_t arena_used = 0;                        // with red zones
  std::size_t static_shared = 0, dynamic_bytes = 0;  // without
  unsigned fp_mode = 0;

  // ThreadSanitizer: contexts that release at an atomic's address what came before its thread's fence, and
  // not what came after it. Each address has its own as long as there are free ones.
  struct Messenger {
    void *context = nullptr, *address = nullptr;
  } messengers[8];

  unsigned contexts = 0;  // of a launch, for all blocks
  unsigned blocks_of_launch = 0;
  bool contexts_reused = false;  // another block of the launch had this block's before
  std::vector<std::unique_ptr<SyncObjects>> sync_objects;  // one a group of contexts
  SyncObjects* sync = nullptr;
  char launch_begin, launch_end;

  ~Scheduler();
};

}  // namespace kernels::simt
