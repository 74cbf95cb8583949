// The OS threads that run the blocks of a launch, and what they do when blocks wait for each other.
//
// An OS thread runs one block after another. A block that can't go on, since all its threads spin or wait at
// a barrier, keeps its OS thread; another OS thread is then started for the blocks that are left, up to as
// many as a GPU would hold at once (`most_at_once`). If no block of the launch gets on for a second and
// thousands of turns, the launch ends with an error that says who waits where.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/simt/block.h"

namespace kernels::simt {

// What a launch is, apart from the kernel and its arguments.
struct LaunchShape {
  LaunchSite site = {"", "", 0};
  unsigned blocks[3] = {1, 1, 1}, threads[3] = {1, 1, 1};
  bool cooperative = false;

  std::uint64_t block_count() const { return std::uint64_t(blocks[0]) * blocks[1] * blocks[2]; }
  unsigned threads_in_block() const { return threads[0] * threads[1] * threads[2]; }
};

// Blocks next to end, of which an OS thread takes the next one until none is left. If a block waits for
// others, the rest is given to another OS thread: then `end` becomes `next`.
struct BlockRange {
  std::uint64_t next = 0, end = 0;
  bool take(std::uint64_t& block) {
    block = next;
    return next < end && (++next, true);
  }
};

// Runs blocks of a launch on the calling OS thread.
using RunBlocks = void (*)(const void* launch, BlockRange&);

// Runs a launch, an object of `bytes` bytes, on OpenMP threads; on the calling thread inside a parallel
// region, under ThreadSanitizer, or if the check options ask for a random order. While launches are recorded,
// keeps a copy of the launch instead, to run it later.
void run_launch(const LaunchShape&, RunBlocks, const void* launch, std::size_t bytes);

// How many blocks of so many threads can wait at the same time for others.
unsigned most_at_once(unsigned threads_in_block);

// The block that the calling OS thread runs has gone once through everything that it could do, and each
// thread still spins or waits. Lets other blocks run. Throws SimtError if no block of the launch gets on, or
// if another block has failed. `describe(context)` says who waits where in this block.
void wait_for_other_blocks(std::string (*describe)(const void* context), const void* context);

// The block that the calling OS thread runs gets on again.
void block_gets_on();

// "thread (5,0,0) of block (2,0,0) in relu (relu.cu:12)" if the calling OS thread runs a block, else
// "". Safe in a signal handler.
const char* running_thread();

}  // namespace kernels::simt
