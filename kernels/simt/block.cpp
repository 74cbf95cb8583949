#include "kernels/simt/block.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kernels/base/check_findings.h"
#include "kernels/base/check_options.h"
#include "kernels/simt/scheduler.h"
#include "kernels/simt/team.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

// In thread context nothing here may allocate or call memcpy and the like: ThreadSanitizer intercepts those,
// and would see races between the scheduler's own data. Hence fixed arrays and plain loops.

namespace kernels::simt {

static constexpr std::size_t arena_bytes = 8 * 1024 * 1024;  // max_shared and the red zones of 20,000 arrays

static std::atomic<unsigned> schedulers =
    0;  // of OS threads that run blocks, or have run some and still live

Scheduler::~Scheduler() {
  --schedulers;
  for (const Messenger& m : messengers)
    if (m.context) destroy_context(m.context);
  if (!arena) return;
  unpoison_region(arena, arena_bytes);
  munmap(arena, arena_bytes);
}

namespace {

Scheduler& scheduler(Block& block) { return static_cast<Scheduler&>(block); }

Scheduler& this_scheduler() {
  static thread_local std::unique_ptr<Scheduler> instance;
  if (!instance) {
    instance = std::make_unique<Scheduler>();
    ++schedulers;
  }
  return *instance;
}

bool same_place(const char* file, int line, const char* other_file, int other_line) {
  return line == other_line && (file == other_file || std::strcmp(file, other_file) == 0);
}

void go_to(Scheduler& s, Fiber& fiber) {
  Fiber& from = *s.current;
  s.current = &fiber;
  switch_fiber(from, fiber);
}

// Leaves the kernel for good. The fiber is not resumed, so it must own nothing: the message is formatted into
// a buffer of the scheduler's.
[[noreturn]] __attribute__((format(printf, 2, 3))) void fail(Scheduler& s, const char* format, ...) {
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(s.error, sizeof s.error, format, values);
  va_end(values);
  s.failed = true;
  go_to(s, s.main);
  std::abort();
}

// Says how many threads wait at which place. It runs on the host's stack, so the threads' state is unchanged.
std::string describe_waiting(const Scheduler& s) {
  std::map<std::string, std::pair<unsigned, unsigned>> places;  // threads there, the first of them
  const auto note = [&](const Fiber& f, const std::string& waits) {
    auto& [count, first] = places[waits + " " + f.file + ":" + std::to_string(f.line)];
    if (count++ == 0) first = f.thread;
  };
  for (unsigned i = 0; i < s.waiting_count; ++i) note(*s.waiting[i], "wait at __syncthreads");
  for (const Warp& warp : s.warps)
    for (const Collective& c : warp.collectives)
      for (unsigned i = 0; c.arrived && i < c.count; ++i)
        note(*c.fibers[i], std::string("wait at ") + c.fibers[i]->waits_at);
  for (unsigned i = 0; i < s.spinning_count; ++i) note(*s.spinning[i], "spin at");
  std::string message = std::to_string(s.exited) + " of " + std::to_string(s.threads) + " threads exited";
  for (const auto& [where, threads] : places)
    message += "; " + std::to_string(threads.first) + " " + where + " (first: thread " +
               std::to_string(threads.second) + ")";
  return message;
}

// The same of a block that waits for others, and begins with its index.
std::string describe_block(const void* scheduler) {
  const std::string name = running_thread();
  const std::size_t begin = name.find("block"), end = name.find(" in ");
  return name.substr(begin, end - begin) + ": " + describe_waiting(*static_cast<const Scheduler*>(scheduler));
}

[[noreturn]] void fail_divergence(Scheduler& s) {
  s.diverged = true;
  fail(s, "barrier divergence");
}

// A fiber that can continue, or one for the next thread to start; null if there is neither.
Fiber* next_fiber(Scheduler& s) {
  const bool can_start = s.next < s.threads;
  if (s.ready.empty()) return can_start ? &s.pool.take() : nullptr;
  if (s.permuted && can_start && s.random.below(2)) return &s.pool.take();
  return &s.ready.pop(s.random);
}

// Suspends the current fiber.
void wait(Scheduler& s) {
  const unsigned thread = s.current->thread;
  if (Fiber* next = next_fiber(s))
    go_to(s, *next);
  else if (s.spinning_count)
    go_to(s, s.main);  // all that can run have had their turn
  else
    fail_divergence(s);
  s.running = thread;
}

// Enters a collective: from now on the fiber is bound to its thread.
Fiber& enter(Scheduler& s, unsigned thread, const char* what, const char* file, int line) {
  Fiber& f = *s.current;
  f.thread = thread;
  f.waits_at = what;
  f.file = file;
  f.line = line;
  if (!s.synced) {  // the first of this block: all threads that started before this one have ended
    s.synced = s.tracked = true;
    for (unsigned i = 0; i < s.next; ++i) {
      const unsigned other = s.order ? s.order[i] : i;
      if (other == thread) continue;
      ++s.exited;
      s.warps[other / warp_size].exited |= 1u << other % warp_size;
    }
  }
  return f;
}

void release_barrier(Scheduler& s) {
  s.moved = true;
  s.counted_votes = std::exchange(s.votes, 0);
  ++s.barriers;
  s.ready.push(s.waiting, std::exchange(s.waiting_count, 0));
}

// All lanes have arrived: gives each lane its result, and lets it continue. `last`, the lane that arrived
// last if it is the caller, is not queued.
void release_collective(Scheduler& s, Collective& c, const Fiber* last) {
  std::uint64_t given[warp_size] = {}, votes = 0;
  for (unsigned i = 0; i < c.count; ++i) {
    const unsigned lane = c.fibers[i]->thread % warp_size;
    given[lane] = c.fibers[i]->given;
    votes |= (given[lane] & 1u) << lane;
  }
  for (unsigned i = 0; i < c.count; ++i) {
    Fiber& f = *c.fibers[i];
    f.met = c.arrived;
    f.got = f.from_lane < warp_size ? given[f.from_lane] : votes;
  }
  c.arrived = 0;
  s.moved = true;
  s.ready.push(c.fibers, c.count - (last ? 1 : 0));
}

Collective& find_collective(Scheduler& s, Warp& warp, unsigned mask, const char* file, int line) {
  for (Collective& c : warp.collectives) {
    if (!c.arrived || c.mask != mask) continue;
    if (!same_place(file, line, c.file, c.line))
      fail(s, "warp divergence: lanes of one mask wait at %s:%d and %s:%d", c.file, c.line, file, line);
    return c;
  }
  for (Collective& c : warp.collectives) {
    if (c.arrived) continue;
    c.mask = mask;
    c.file = file;
    c.line = line;
    c.count = 0;
    c.number = warp.started++;
    return c;
  }
  fail(s, "more than 4 warp collectives with different masks at once at %s:%d", file, line);
}

// At a fence or a barrier: what the thread's atomics have seen of others becomes known to it.
void know_seen(Fiber& f) {
  for (unsigned i = 0; i < f.seen_count; ++i) acquire(f.seen[i]);
  f.seen_count = 0;
}

// After a barrier of the block or of a warp: what others did before it counts as before this thread's last
// fence too. It is common that all threads fence, meet at a barrier, and one of them signals.
void know_others(Fiber& f, char* object) {
  acquire(object);
  if (f.fenced) release(&f.fence);
}

// Returns when all present lanes of the mask have arrived. Only __syncwarp orders their memory.
void meet(Scheduler& s, Fiber& f, unsigned mask, bool orders_memory) {
  const unsigned w = f.thread / warp_size, lane = f.thread % warp_size;
  Warp& warp = s.warps[w];
  if (!(mask >> lane & 1u))
    fail(s, "%s at %s:%d: lane %u (thread %u) is not in its own mask", f.waits_at, f.file, f.line, lane,
         f.thread);
  Collective& c = find_collective(s, warp, mask, f.file, f.line);
  char* object = tsan && orders_memory ? &s.sync->warp[w][c.number % 8] : nullptr;
  if (object) know_seen(f), release(object);
  c.arrived |= 1u << lane;
  c.fibers[c.count++] = &f;
  if (c.arrived == warp.present(mask))
    release_collective(s, c, &f);
  else
    wait(s);
  if (object) know_others(f, object);
}

// ThreadSanitizer tells threads apart by their contexts, whose number is limited. A launch has `groups` sets
// of contexts: blocks b and b + k * groups share a set, all others are unordered. The number is odd, so that
// vertical neighbours in grids of a power of two differ.
void deal_contexts(Scheduler& s) {
#if defined(__clang__) || __GNUC__ >= 13
  constexpr unsigned contexts = 240;  // the newer runtime tells at most 256 threads apart
#else
  constexpr unsigned contexts = 1024;  // 0.9 MB and 0.5 ms each
#endif
  // Those of all OS threads: each context has some seven mappings of memory, of which a process has 65,530.
  if (s.blocks_of_launch == 0) s.contexts = contexts / std::max(1u, schedulers.load());
  unsigned groups = s.contexts / s.threads;
  groups = groups < 2 ? 2 : groups > 2 && groups % 2 == 0 ? groups - 1 : groups;
  const unsigned group = s.blocks_of_launch % groups, turn = s.blocks_of_launch / groups;
  ++s.blocks_of_launch;
  s.contexts_reused = turn > 0;
  s.pool.deal(group, s.threads, turn * 37 % s.threads);
  while (s.sync_objects.size() <= group) s.sync_objects.push_back(std::make_unique<SyncObjects>());
  s.sync = s.sync_objects[group].get();
  s.main.context = current_context();
  for (Scheduler::Messenger& m : s.messengers)
    if (!m.context) m.context = create_context();
  release(&s.launch_begin);  // this block knows what the host did; the host learns what it did in end_launch
}

// fcontext keeps rounding and flush-to-zero for each fiber, so parked fibers would miss a change of them.
void follow_fp_mode(Scheduler& s) {
#if defined(__x86_64__)
  const unsigned mode = _mm_getcsr() & ~0x3fu;  // without the sticky flags
  if (mode != s.fp_mode) s.pool.reset();
  s.fp_mode = mode;
#else
  (void)s;
#endif
}

// An array in the arena, at `begin`. It is filled by a plain loop, since ThreadSanitizer would attribute a
// memset to the thread.
void* ready_array(Scheduler& s, std::size_t begin, std::size_t bytes) {
  char* memory = s.arena + begin;
  unpoison_region(memory, bytes);
  const CheckOptions& options = check_options();
  if (options.poison_shared)
    for (std::size_t i = 0; i < bytes; ++i)
      const_cast<volatile char*>(memory)[i] = static_cast<char>(options.poison_byte);
  mark_unwritten(memory, bytes);
  return memory;
}

void ready_shared_memory(Scheduler& s, std::size_t dynamic_bytes) {
  constexpr std::size_t page = 4096;
  constexpr int access = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
  if (!s.arena) {
    void* memory = mmap(nullptr, arena_bytes, access, flags, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    s.arena = static_cast<char*>(memory);
    poison_region(s.arena, arena_bytes);
  } else if (tsan && s.arena_used) {
    // fresh pages have a fresh history: what another block did to these bytes is no race
    const std::size_t used = (s.arena_used + page - 1) / page * page;
    if (mmap(s.arena, used, access, flags | MAP_FIXED, -1, 0) == MAP_FAILED) throw std::bad_alloc();
  }
  poison_region(s.arena, s.arena_used);
  s.static_shared = 0;
  s.dynamic_bytes = dynamic_bytes;
  s.arena_used = red_zone + dynamic_bytes + red_zone;
  s.dynamic_shared = ready_array(s, red_zone, dynamic_bytes);
}

void ready_threads(Scheduler& s) {
  const CheckOptions& options = check_options();
  s.next = s.exited = s.waiting_count = s.spinning_count = s.barriers = s.votes = 0;
  s.failed = s.diverged = s.moved = false;
  s.strict = options.strict_barriers;
  for (unsigned w = 0; w < warps_per_block; ++w) {
    Warp& warp = s.warps[w];
    const unsigned begin = w * warp_size, lanes = s.threads > begin ? s.threads - begin : 0;
    if (!lanes && !warp.exists) break;
    warp.exists = lanes >= warp_size ? ~0u : (1u << lanes) - 1;
    warp.exited = 0;
    warp.started = 0;
    for (Collective& c : warp.collectives) c.arrived = 0;
  }
  s.permuted = options.order_seed != 0;
  s.order = nullptr;
  s.ready.pick = ReadyQueue::Pick::oldest;
  if (s.permuted) {
    s.random = RandomOrder(options.order_seed, s.serial);
    s.permutation.resize(s.threads);
    std::iota(s.permutation.begin(), s.permutation.end(), 0u);
    s.random.shuffle(s.permutation);
    s.order = s.permutation.data();
    s.ready.pick = s.random.below(2) ? ReadyQueue::Pick::any : ReadyQueue::Pick::newest;
  }
  s.synced = s.tracked = tsan;
}

// Once more lets all threads run that spin. If none has got on since the last time, other blocks run first.
void run_spinning(Scheduler& s) {
  if (std::exchange(s.moved, false))
    block_gets_on();
  else
    wait_for_other_blocks(describe_block, &s);
  s.ready.push(s.spinning, std::exchange(s.spinning_count, 0));
  go_to(s, *next_fiber(s));
}

// Leaves the block's threads for good where they are.
void abandon(Scheduler& s) {
  if (tsan) s.pool.renew_contexts(s.main.context);  // from here on the host may read what the threads wrote
  s.pool.reset();
  s.ready.clear();
}

}  // namespace

Block& this_block() { return this_scheduler(); }

void begin_serial_block(Block& block, std::size_t dynamic_bytes) {
  ++block.serial;
  ready_shared_memory(scheduler(block), dynamic_bytes);
}

void run_block(Block& block, std::size_t dynamic_bytes) {
  Scheduler& s = scheduler(block);
  ++s.serial;
  ready_shared_memory(s, dynamic_bytes);
  ready_threads(s);
  follow_fp_mode(s);
  if (tsan) deal_contexts(s);
  s.current = &s.main;
  go_to(s, s.pool.take());
  try {
    while (!s.failed && s.spinning_count) run_spinning(s);
  } catch (...) {  // no thread gets on
    abandon(s);
    throw;
  }
  if (!s.failed) return;

  std::string error;
  if (s.diverged) error = "barrier divergence: " + describe_waiting(s);
  abandon(s);
  if (!s.diverged) error = s.error;
  if (s.exception) std::rethrow_exception(std::exchange(s.exception, nullptr));
  throw SimtError(to_string(s.site) + ": " + error);
}

void fiber_main() {
  Scheduler& s = this_scheduler();
  for (;;) {
    try {
      s.run_threads(s);
    } catch (...) {
      s.exception = std::current_exception();
    }
    if (s.exception) fail(s, "exception");
    // Another thread, of this block or a later one, may reuse this fiber.
    if (!tsan) s.pool.park(*s.current);
    if (Fiber* next = next_fiber(s))
      go_to(s, *next);
    else if (!s.synced || s.exited == s.threads || s.spinning_count)
      go_to(s, s.main);
    else
      fail_divergence(s);
  }
}

void begin_thread(Block& block, unsigned thread, const ThreadIndices& indices) {
  Scheduler& s = scheduler(block);
  name_context(s.current->context, ThreadName(indices, s.contexts_reused).text());
  s.current->thread = thread;
  s.current->fenced = false;
  s.current->seen_count = 0;
  acquire(&s.launch_begin);
}

void end_thread(Block& block, unsigned thread) {
  Scheduler& s = scheduler(block);
  release(&s.launch_end);
  ++s.exited;
  s.moved = true;
  Warp& warp = s.warps[thread / warp_size];
  warp.exited |= 1u << thread % warp_size;
  for (Collective& c : warp.collectives)
    if (c.arrived && c.arrived == warp.present(c.mask)) release_collective(s, c, nullptr);
  if (!s.strict && s.waiting_count && s.waiting_count == s.threads - s.exited) release_barrier(s);
}

unsigned barrier(Block& block, unsigned thread, bool vote, const char* file, int line) {
  Scheduler& s = scheduler(block);
  Fiber& f = enter(s, thread, "__syncthreads", file, line);
  char* object = tsan ? &s.sync->barrier[s.barriers % 2] : nullptr;
  know_seen(f);
  release(object);
  if (s.waiting_count) {
    const Fiber& other = *s.waiting[0];
    if (!same_place(file, line, other.file, other.line))
      fail(s, "barrier divergence: thread %u is at __syncthreads %s:%d while thread %u waits at %s:%d",
           thread, file, line, other.thread, other.file, other.line);
  }
  s.votes += vote;
  s.waiting[s.waiting_count++] = &f;
  if (s.waiting_count < s.threads - (s.strict ? 0 : s.exited)) {
    wait(s);
  } else if (s.permuted) {
    release_barrier(s);
    Fiber& first = s.ready.pop(s.random);
    if (&first != &f) go_to(s, first);
    s.running = thread;
  } else {
    --s.waiting_count;  // the last to arrive continues without a switch
    release_barrier(s);
  }
  know_others(f, object);
  return s.counted_votes;
}

void warp_barrier(Block& block, unsigned thread, unsigned mask, const char* file, int line) {
  Scheduler& s = scheduler(block);
  meet(s, enter(s, thread, "__syncwarp", file, line), mask, true);
}

std::uint64_t warp_exchange(Block& block, unsigned thread, unsigned mask, std::uint64_t value,
                            unsigned from_lane, const char* file, int line) {
  Scheduler& s = scheduler(block);
  Fiber& f = enter(s, thread, "warp shuffle", file, line);
  f.given = value;
  f.from_lane = from_lane;
  meet(s, f, mask, false);
  if (f.met >> from_lane & 1u) return f.got;
  constexpr const char* format = "warp shuffle at %s:%d: thread %u reads lane %u, which does not take part";
  const CheckOptions& options = check_options();
  if (options.strict_lanes) fail(s, format, file, line, thread, from_lane);
  CheckFindings& findings = check_findings();
  if (!findings.undefined_lane.exchange(true))
    std::snprintf(findings.undefined_lane_place, sizeof findings.undefined_lane_place, format, file, line,
                  thread, from_lane);
  return options.lane_byte * 0x0101010101010101u;
}

void give_way(Block& block, unsigned thread, bool first, const char* file, int line) {
  Scheduler& s = scheduler(block);
  Fiber& f = enter(s, thread, "", file, line);
  s.moved |= first;
  s.spinning[s.spinning_count++] = &f;
  wait(s);
}

unsigned warp_ballot(Block& block, unsigned thread, unsigned mask, bool vote, const char* file, int line) {
  Scheduler& s = scheduler(block);
  Fiber& f = enter(s, thread, "warp vote", file, line);
  f.given = vote;
  f.from_lane = warp_size;  // all
  meet(s, f, mask, false);
  return static_cast<unsigned>(f.got);
}

void thread_fence(Block& block) {
  Fiber& f = *scheduler(block).current;
  f.fenced = true;
  know_seen(f);
  release(&f.fence);
}
void before_atomic(Block& block, void* address) {
  Scheduler& s = scheduler(block);
  Fiber& f = *s.current;
  if (!f.fenced) return;
  for (Scheduler::Messenger& m : s.messengers)
    if (!m.address || m.address == address) {
      m.address = address;
      switch_context(m.context);
      acquire(&f.fence);
      release(address);
      return switch_context(f.context);
    }
  release(address);
}
void after_atomic(Block& block, void* address) {
  Fiber& f = *scheduler(block).current;
  for (unsigned i = 0; i < f.seen_count; ++i)
    if (f.seen[i] == address) return;
  constexpr unsigned most = sizeof f.seen / sizeof f.seen[0];
  if (f.seen_count == most)
    acquire(address);  // as if it had a fence: a race is missed, and none is made up
  else
    f.seen[f.seen_count++] = address;
}

void* allocate_shared(Block& block, std::size_t bytes) {
  Scheduler& s = scheduler(block);
  constexpr std::size_t alignment = 128;
  const std::size_t begin = (s.arena_used + red_zone + alignment - 1) / alignment * alignment;
  s.arena_used = begin + bytes + red_zone;
  s.static_shared += bytes;
  if (s.static_shared > max_static_shared)
    fail(s, "SHARED arrays of %zu bytes a block, nvcc allows %zu: use SHARED_DYNAMIC", s.static_shared,
         max_static_shared);
  if (s.static_shared + s.dynamic_bytes > max_shared)
    fail(s, "a block's shared memory is %zu bytes, a GPU has %zu", s.static_shared + s.dynamic_bytes,
         max_shared);
  return ready_array(s, begin, bytes);
}

void begin_launch() {
  if (check_options().forget_history) flush_history();
  Scheduler& s = this_scheduler();
  s.blocks_of_launch = 0;
  for (Scheduler::Messenger& m : s.messengers)
    if (std::exchange(m.address, nullptr)) {
      destroy_context(m.context);
      m.context = create_context();  // knows what the host does
    }
  release(&s.launch_begin);
}

void end_launch() { acquire(&this_scheduler().launch_end); }

}  // namespace kernels::simt
