// launch<kernel>(CpuStream or SimtStream, Grid{...}, args...).
#pragma once

#include <cstdint>
#include <tuple>
#include <type_traits>

#include "kernels/base/launch_log.h"
#include "kernels/base/stream.h"
#include "kernels/simt/block.h"
#include "kernels/simt/team.h"
#include "kernels/simt/vocabulary.h"

namespace kernels::simt {

// Refuses what CUDA would refuse; without fibers also blocks of more than one thread.
void check_grid(const LaunchSite&, dim3 blocks, dim3 threads, std::size_t shared_bytes, bool fibers);

}  // namespace kernels::simt

namespace kernels::inline KERNELS_COMPILER {

struct Grid {
  dim3 blocks, threads;
  unsigned shared_bytes = 0;                    // of SHARED_DYNAMIC
  const char* launcher = __builtin_FUNCTION();  // who launches: names the op in errors and in the launch log
  const char* file = __builtin_FILE();
  int line = __builtin_LINE();
  bool cooperative =
      false;  // all blocks run at the same time, so they may wait for each other, or it is an error
};

namespace detail {
namespace {  // a launch and its kernel use the indices of their own translation unit

template <class... P>
struct Launch {
  Grid grid;
  std::tuple<P...> args;
};

__forceinline__ void set_block_index(const dim3& blocks, std::uint64_t b) {
  if (blocks.y * blocks.z == 1)
    blockIdx = {static_cast<unsigned>(b), 0, 0};
  else
    blockIdx = {static_cast<unsigned>(b % blocks.x), static_cast<unsigned>(b / blocks.x % blocks.y),
                static_cast<unsigned>(b / blocks.x / blocks.y)};
}

// Blocks of one thread. flatten: the kernel is inlined with threadIdx = 0 and blockDim = 1 as constants.
template <auto Kernel, class... P>
__attribute__((flatten)) void run_serial(const void* launch, simt::BlockRange& range) {
  const auto& l = *static_cast<const Launch<P...>*>(launch);
  const Grid grid = l.grid;
  const std::tuple<P...> args = l.args;
  if (grid.shared_bytes) simt_block = &simt::this_block();
  gridDim = {grid.blocks.x, grid.blocks.y, grid.blocks.z};
  simt_on_fibers = false;
  for (std::uint64_t b; range.take(b);) {
    if (grid.shared_bytes) simt::begin_serial_block(*simt_block, grid.shared_bytes);
    set_block_index(grid.blocks, b);
    simt_threads = 1;
    blockDim = {1, 1, 1};
    threadIdx = {0, 0, 0};
    simt_looks = 0;
    std::apply([](P... a) { Kernel(a...); }, args);
  }
}

template <auto Kernel, class... P>
__attribute__((noinline)) void run_thread(const Launch<P...>& l) {
  std::apply([](P... a) { Kernel(a...); }, l.args);
}

// Starts threads of the block on the present stack, one after another, until none is left.
template <auto Kernel, class... P>
SIMT_UNINSTRUMENTED void run_threads(simt::Block& block) {
  const auto& l = *static_cast<const Launch<P...>*>(block.launch);
  while (block.next < block.threads) {
    const unsigned position = block.next++;
    const unsigned thread = block.order ? block.order[position] : position;
    block.running = thread;
    simt_looks = 0;
    if (blockDim.y * blockDim.z == 1)
      threadIdx = {thread, 0, 0};
    else
      threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / (blockDim.x * blockDim.y)};
    if constexpr (simt::tsan)
      simt::begin_thread(block, thread,
                         {{threadIdx.x, threadIdx.y, threadIdx.z}, {blockIdx.x, blockIdx.y, blockIdx.z}});
    run_thread<Kernel, P...>(l);
    if (block.tracked) simt::end_thread(block, thread);
    if constexpr (simt::tsan) return;  // each thread has its own stack
  }
}

// Blocks of any size, on fibers.
template <auto Kernel, class... P>
SIMT_UNINSTRUMENTED void run_on_fibers(const void* launch, simt::BlockRange& range) {
  const auto& l = *static_cast<const Launch<P...>*>(launch);
  const dim3 blocks = l.grid.blocks, threads = l.grid.threads;
  simt::Block& block = simt::this_block();
  simt_block = &block;
  simt_on_fibers = true;
  simt_threads = threads.x * threads.y * threads.z;
  gridDim = {blocks.x, blocks.y, blocks.z};
  blockDim = {threads.x, threads.y, threads.z};
  block.launch = launch;
  block.run_threads = &run_threads<Kernel, P...>;
  block.threads = simt_threads;
  block.site = {l.grid.launcher, l.grid.file, l.grid.line};
  for (std::uint64_t b; range.take(b);) {
    set_block_index(blocks, b);
    simt::run_block(block, l.grid.shared_bytes);
  }
}

// A kernel's parameters, as a type. If the kernel's address were passed, the compiler would emit the kernel a
// second time, beside the inlined copy that runs.
template <class Kernel>
struct Signature {};

template <auto Kernel, bool Fibers, class... P>
void launch_host(Signature<void (*)(P...)>, const Grid& grid, std::type_identity_t<P>... args) {
  simt::check_grid({grid.launcher, grid.file, grid.line}, grid.blocks, grid.threads, grid.shared_bytes,
                   Fibers);
  if (LaunchLog* log = launch_log())
    log->add(grid.launcher, args...).place = std::string(grid.file) + ":" + std::to_string(grid.line);
  const Launch<P...> l{grid, {args...}};
  constexpr simt::RunBlocks run = Fibers ? &run_on_fibers<Kernel, P...> : &run_serial<Kernel, P...>;
  static_assert((std::is_trivially_copyable_v<P> && ...), "kernel arguments are plain values");
  const dim3 blocks = grid.blocks, threads = grid.threads;
  simt::run_launch({{grid.launcher, grid.file, grid.line},
                    {blocks.x, blocks.y, blocks.z},
                    {threads.x, threads.y, threads.z},
                    grid.cooperative},
                   run, &l, sizeof l);
}

}  // namespace
}  // namespace detail

// Launches Kernel, which has finished on return. Arguments are converted to the kernel's parameter types.
template <auto Kernel, class... Args>
static void launch(CpuStream, const Grid& grid, Args... args) {
  detail::launch_host<Kernel, false>(detail::Signature<decltype(Kernel)>{}, grid, args...);
}
template <auto Kernel, class... Args>
static void launch(SimtStream, const Grid& grid, Args... args) {
  detail::launch_host<Kernel, true>(detail::Signature<decltype(Kernel)>{}, grid, args...);
}

}  // namespace kernels::inline KERNELS_COMPILER
