#include "kernels/simt/fiber.h"

#include <sys/mman.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <new>

#include "kernels/simt/sanitizers.h"

namespace kernels::simt {
namespace {

using boost::context::detail::transfer_t;

constexpr std::size_t stack_bytes = 64 * 1024, guard_bytes = 4096;

// Stacks that are mapped at once. ThreadSanitizer splits its shadow at the borders of each mapping, and a
// process has at most 65,530 pieces.
constexpr std::size_t stacks_of_slab = 64, slab_bytes = stacks_of_slab * (guard_bytes + stack_bytes);

// The fiber that switched here can be resumed at arrival.fctx.
void arrived(transfer_t arrival) { static_cast<Fiber*>(arrival.data)->position = arrival.fctx; }

[[noreturn]] void start(transfer_t arrival) {
  arrived(arrival);
#ifdef SIMT_ASAN
  const void* bottom;
  std::size_t bytes;
  __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
  Fiber& from = *static_cast<Fiber*>(arrival.data);
  if (!from.stack) {  // the OS thread's own stack
    from.stack = static_cast<char*>(const_cast<void*>(bottom));
    from.stack_bytes = bytes;
  }
#endif
  fiber_main();
}

// Each stack lies above a guard page.
char* map_slab() {
  void* memory =
      mmap(nullptr, slab_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  char* const slab = static_cast<char*>(memory);
  for (char* guard = slab; guard < slab + slab_bytes; guard += guard_bytes + stack_bytes)
    if (mprotect(guard, guard_bytes, PROT_NONE) != 0) throw std::bad_alloc();
  return slab;
}

}  // namespace

void switch_fiber(Fiber& from, Fiber& to) {
#ifdef SIMT_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
#endif
  switch_context(to.context);
  arrived(boost::context::detail::jump_fcontext(to.position, &from));
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

FiberPool::~FiberPool() {
  for (auto& fiber : all_) {
    if (tsan) destroy_context(fiber->context);
    unpoison_region(fiber->stack, fiber->stack_bytes);
  }
  for (char* slab : slabs_) munmap(slab, slab_bytes);
}

Fiber& FiberPool::take() {
  if (!free_) return add();
  Fiber& fiber = *free_;
  free_ = fiber.next_free;
  fiber.thread = no_thread;
  return fiber;
}

void FiberPool::park(Fiber& fiber) {
  fiber.next_free = free_;
  free_ = &fiber;
}

Fiber& FiberPool::add() {
  const std::size_t place = all_.size() % stacks_of_slab;
  if (slabs_.size() * stacks_of_slab == all_.size()) slabs_.push_back(map_slab());
  all_.push_back(std::make_unique<Fiber>());
  Fiber& fiber = *all_.back();
  fiber.stack = slabs_.back() + place * (guard_bytes + stack_bytes) + guard_bytes;
  fiber.stack_bytes = stack_bytes;
  if (tsan) fiber.context = create_context();
  rewind(fiber, all_.size() - 1);
  return fiber;
}

void FiberPool::rewind(Fiber& fiber, std::size_t index) {
  // The tops have different offsets: else the stacks of a block would compete for the same sets of the cache,
  // and a switch among 1024 fibers would take three times as long.
  const std::size_t offset = index * 5 % 61 * 64 + index / 61 % 4 * 4096;
  char* top = fiber.stack + fiber.stack_bytes - offset;
  unpoison_region(fiber.stack, fiber.stack_bytes);
  fiber.position = boost::context::detail::make_fcontext(top, std::size_t(top - fiber.stack), start);
  fiber.fake_stack = nullptr;
}

void FiberPool::reset() {
  free_ = nullptr;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    rewind(*all_[i], i);
    park(*all_[i]);
  }
}

void FiberPool::deal(std::size_t group, std::size_t size, std::size_t first) {
  while (all_.size() < (group + 1) * size) add();
  free_ = nullptr;
  for (std::size_t i = size; i-- > 0;) {
    const std::size_t index = group * size + (i + first) % size;
    rewind(*all_[index], index);
    all_[index]->thread = no_thread;
    park(*all_[index]);
  }
}

void FiberPool::renew_contexts(void* host_context) {
  char done;
  for (auto& fiber : all_)
    if (fiber->thread != no_thread) {
      switch_context(fiber->context);
      release(&done);
    }
  switch_context(host_context);
  acquire(&done);
  for (auto& fiber : all_)
    if (fiber->thread != no_thread) {
      destroy_context(fiber->context);
      fiber->context = create_context();
      fiber->thread = no_thread;
    }
}

}  // namespace kernels::simt
