// Blocks and threads that wait for each other: they run, and where nobody gets on, the launch says who waits
// where.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "kernels/base/check_findings.h"
#include "kernels/base/check_options.h"
#include "kernels/simt.h"

namespace kernels::waiting {
namespace {

struct DefaultOptions {  // restored at the end of each test
  ~DefaultOptions() { check_options() = {}; }
};

// All blocks meet `steps` times; an odd block once less if `uneven`.
__global__ void meet_kernel(unsigned steps, bool uneven, unsigned* arrived, unsigned* met) {
  SHARED(unsigned, count, [1]);
  if (threadIdx.x == 0) count[0] = 0;
  for (unsigned s = 0; s < steps - (uneven ? blockIdx.x % 2 : 0); ++s) {
    __syncthreads();
    if (threadIdx.x == 0) {
      ++count[0];
      __threadfence();
      atomicAdd(arrived, 1u);
      while (atomicAdd(arrived, 0u) < (s + 1) * gridDim.x) {
      }
      __threadfence();
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) met[blockIdx.x] = count[0];
}

// Threads of a block take turns: each waits for the one after it, so that the last one to start goes first.
__global__ void turns_kernel(unsigned* turn, unsigned* order) {
  const unsigned mine = blockDim.x - 1 - threadIdx.x;
  while (atomicAdd(turn, 0u) != mine) {
  }
  order[mine] = threadIdx.x;
  __threadfence();
  atomicAdd(turn, 1u);
}

// A lock that is held while the block sleeps.
__global__ void lock_kernel(unsigned* lock, unsigned* count) {
  while (atomicCAS(lock, 0u, 1u) != 0u) {
  }
  __threadfence();
  const unsigned seen = *count;
  __nanosleep(100);
  *count = seen + 1;
  __threadfence();
  atomicExch(lock, 0u);
}

// Not a wait: the atomics change nothing, and none is made in vain.
__global__ void maximum_kernel(unsigned* maximum, unsigned times) {
  for (unsigned i = 0; i < times; ++i) atomicMax(maximum, 7u);
}

__global__ void far_lane_kernel(float* y) {
  y[threadIdx.x] = __shfl_down_sync(threadIdx.x < 16 ? 0x0000ffffu : 0xffff0000u, 1.0f, 8);
}

template <class Stream>
std::string meet(Stream stream, unsigned blocks, unsigned threads, bool uneven = false,
                 bool cooperative = false) {
  unsigned arrived = 0;
  std::vector<unsigned> met(blocks);
  Grid grid{dim3(blocks), dim3(threads)};
  grid.cooperative = cooperative;
  try {
    launch<meet_kernel>(stream, grid, 3u, uneven, &arrived, met.data());
  } catch (const SimtError& e) {
    return e.what();
  }
  return met == std::vector<unsigned>(blocks, 3) ? "met" : "wrong";
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

}  // namespace

TEST_CASE("waiting: blocks meet, in natural and in random order, in blocks of any size") {
  const DefaultOptions after;
  for (std::uint64_t seed : {0, 3}) {
    check_options().order_seed = seed;
    CHECK(meet(SimtStream{}, 2, 1) == "met");
    CHECK(meet(SimtStream{}, 7, 33) == "met");
    CHECK(meet(SimtStream{}, 5, 64, false, true) == "met");
#ifndef DYAD_SIMT_ONLY
    CHECK(meet(CpuStream{}, 9, 1) == "met");
#endif
  }
}

TEST_CASE("waiting: where no thread gets on, the error says who waits where") {
  const std::string error = meet(SimtStream{}, 2, 32, true);
  contains(error, "meet (tests/kernels/simt/waiting_test.cpp:");
  contains(error,
           "no thread gets on: block (0,0,0): 0 of 32 threads exited; 1 spin at "
           "tests/kernels/simt/waiting_test.cpp:");
  contains(error, "31 wait at __syncthreads tests/kernels/simt/waiting_test.cpp:");
  contains(error, "1 of 2 blocks have ended");
  CHECK(error.find('\n') == std::string::npos);
  CHECK(meet(SimtStream{}, 2, 32) == "met");  // the next launch works
#ifndef DYAD_SIMT_ONLY
  contains(meet(CpuStream{}, 2, 1, true), "thread (0,0,0) of block (0,0,0) spins at ");
#endif
}

TEST_CASE("waiting: a cooperative launch that is too large is refused") {
  contains(meet(SimtStream{}, 1000, 32, false, true), "a cooperative launch of 1000 blocks; at most ");
}

TEST_CASE("waiting: threads of one block wait for each other, in any order") {
  const DefaultOptions after;
  for (std::uint64_t seed : {0, 1, 2}) {
    check_options().order_seed = seed;
    unsigned turn = 0;
    std::vector<unsigned> order(40);
    launch<turns_kernel>(SimtStream{}, Grid{dim3(1), dim3(40)}, &turn, order.data());
    for (unsigned i = 0; i < 40; ++i) REQUIRE(order[i] == 39 - i);
  }
}

TEST_CASE("waiting: a lock whose holder gives way") {
  unsigned lock = 0, count = 0;
  launch<lock_kernel>(SimtStream{}, Grid{dim3(3), dim3(20)}, &lock, &count);
  CHECK(count == 60);
}

TEST_CASE("waiting: thousands of atomics that change nothing are no wait") {
  unsigned maximum = 7;
  launch<maximum_kernel>(SimtStream{}, Grid{dim3(2), dim3(2)}, &maximum, 5000u);
  CHECK(maximum == 7);
}

TEST_CASE("waiting: what a lane gives that takes no part is an error, or lane_byte") {
  const DefaultOptions after;
  std::vector<float> y(32);
  const auto run = [&] { launch<far_lane_kernel>(SimtStream{}, Grid{dim3(1), dim3(32)}, y.data()); };
  CHECK_THROWS_AS(run(), SimtError);
  check_options().strict_lanes = false;
  for (unsigned char byte : {0x00, 0x7f}) {
    check_findings().clear();
    check_options().lane_byte = byte;
    run();
    CHECK(y[0] == 1);
    CHECK(y[8] == (byte ? 0x1.fefefep+127f : 0.0f));
    CHECK(check_findings().undefined_lane);
    contains(check_findings().undefined_lane_place, "thread 15 reads lane 23, which does not take part");
  }
}

}  // namespace kernels::waiting
