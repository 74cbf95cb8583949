// Launches on the host: refused launches and their errors, order, poison, shared memory, the launch log.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/base/check_options.h"
#include "kernels/base/launch_log.h"
#include "kernels/tiles/reduce.h"
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace kernels {
namespace {

struct DefaultOptions {  // restored at the end of each test
  ~DefaultOptions() { check_options() = {}; }
};

__global__ void fill_kernel(float* y, float v) { y[blockIdx.x * blockDim.x + threadIdx.x] = v; }

__global__ void exit_kernel(float* y, unsigned stay) {
  if (threadIdx.x >= stay) return;
  __syncthreads();
  y[threadIdx.x] += 1;
}

__global__ void order_kernel(unsigned* count, unsigned* order) {
  __syncthreads();
  order[atomicAdd(count, 1u)] = blockIdx.x * blockDim.x + threadIdx.x;
}

__global__ void shared_kernel(float* y) {
  SHARED(float, t, [32]);
  SHARED_DYNAMIC(float, u);
  y[threadIdx.x] = t[threadIdx.x];
  y[32 + threadIdx.x] = u[threadIdx.x];
}

template <int Bytes>
__global__ void static_kernel(float* y) {
  SHARED(char, t, [Bytes]);
  t[threadIdx.x] = 1;
  y[threadIdx.x] = t[threadIdx.x];
}

__global__ void throw_kernel(float* y) {
  if (threadIdx.x == 3) throw std::runtime_error("thread 3");
  __syncthreads();
  y[0] = 1;
}

template <int NT>
__global__ void __launch_bounds__(NT) sum_kernel(const float* x, float* y) {
  const float sum = block_sum<NT>(x[blockIdx.x * NT + threadIdx.x]);
  if (threadIdx.x == 0) y[blockIdx.x] = sum;
}

__global__ void denormal_kernel(float* y, float tiny) {
  __syncthreads();
  y[threadIdx.x] = tiny * 0.5f;
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const SimtError& error) {
    return error.what();
  }
  return "no error";
}

// A launcher, as errors and the log name it.
template <class Stream, class T>
void fill(Stream stream, Grid grid, T* y) {
  grid.launcher = Grid{}.launcher;
  launch<fill_kernel>(stream, grid, y, 1.0f);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("simt: launches that CUDA would refuse are errors with the launcher and its source line") {
  float y[64] = {};
  const auto refused = [&](dim3 blocks, dim3 threads, unsigned shared = 0) {
    return error_of([&] { fill(SimtStream{}, Grid{blocks, threads, shared}, y); });
  };
  CHECK(contains(refused(dim3(0), dim3(32)), "tests/kernels/simt/simt_test.cpp:"));
  CHECK(refused(dim3(0), dim3(32)).rfind("fill (", 0) == 0);
  CHECK(contains(refused(dim3(0), dim3(32)), "a grid of 0 x 1 x 1 blocks"));
  CHECK(contains(refused(dim3(1, 65536), dim3(32)), "a grid of 1 x 65536 x 1 blocks"));
  CHECK(contains(refused(dim3(1), dim3(1025)), "a block of 1025 x 1 x 1 threads"));
  CHECK(contains(refused(dim3(1), dim3(64, 32)), "a block of 64 x 32 x 1 threads"));
  CHECK(contains(refused(dim3(1), dim3(1, 1, 65)), "64 in z"));
  CHECK(contains(refused(dim3(1), dim3(0)), "a block of 0 x 1 x 1 threads"));
  CHECK(contains(refused(dim3(1), dim3(32), 227 * 1024 + 1), "232449 bytes of dynamic shared memory"));
  CHECK(refused(dim3(1), dim3(32), 227 * 1024) == "no error");
#ifndef DYAD_SIMT_ONLY
  CHECK(contains(error_of([&] {
                   fill(CpuStream{}, Grid{dim3(1), dim3(32)}, y);
                 }),
                 "CpuStream, which takes 1"));
#endif
}

TEST_CASE("simt: a static shared array of more than 48 KB is an error, as in nvcc") {
  float y[32] = {};
  CHECK(error_of([&] {
          launch<static_kernel<48 * 1024>>(SimtStream{}, Grid{dim3(1), dim3(32)}, y);
        }) == "no error");
  CHECK(contains(error_of([&] {
                   launch<static_kernel<48 * 1024 + 1>>(SimtStream{}, Grid{dim3(1), dim3(32)}, y);
                 }),
                 "use SHARED_DYNAMIC"));
  CHECK(contains(error_of([&] {
                   launch<static_kernel<1024>>(SimtStream{}, Grid{dim3(1), dim3(32), 227 * 1024}, y);
                 }),
                 "a GPU has 232448"));
}

TEST_CASE("simt: barrier divergence is an error; the next launch works") {
  const DefaultOptions after;
  std::vector<float> y(128);
  const auto run = [&](unsigned stay) {
    return error_of([&] { launch<exit_kernel>(SimtStream{}, Grid{dim3(1), dim3(128)}, y.data(), stay); });
  };
  const std::string error = run(100);
  CHECK(contains(error, "barrier divergence: 28 of 128 threads exited; 100 wait at __syncthreads "));
  CHECK(contains(error, "tests/kernels/simt/simt_test.cpp:"));
  CHECK(contains(error, "(first: thread 0)"));
  CHECK(error.find('\n') == std::string::npos);
  CHECK(y == std::vector<float>(128, 0));
  CHECK(run(128) == "no error");
  CHECK(y == std::vector<float>(128, 1));

  check_options().strict_barriers = false;  // as hardware
  CHECK(run(100) == "no error");
  CHECK(y[99] == 2);
  CHECK(y[100] == 1);
}

TEST_CASE("simt: an exception in a kernel propagates from its launch") {
  float y = 0;
  CHECK_THROWS_WITH(launch<throw_kernel>(SimtStream{}, Grid{dim3(1), dim3(32)}, &y), "thread 3");
  launch<fill_kernel>(SimtStream{}, Grid{dim3(1), dim3(1)}, &y, 2.0f);
  CHECK(y == 2);
}

TEST_CASE("simt: a seed permutes threads and blocks, the same way each time") {
  const DefaultOptions after;
  const auto run = [](std::uint64_t seed) {
    check_options().order_seed = seed;
    std::vector<unsigned> order(4 * 64);
    unsigned count = 0;
    launch<order_kernel>(SimtStream{}, Grid{dim3(4), dim3(64)}, &count, order.data());
    CHECK(count == order.size());
    return order;
  };
  const auto first = run(1), second = run(2);
  CHECK(first != second);
  auto sorted = first;
  std::sort(sorted.begin(), sorted.end());
  for (unsigned i = 0; i < sorted.size(); ++i) REQUIRE(sorted[i] == i);
  CHECK(first[0] / 64 != second[0] / 64);  // the first block of the two seeds
}

TEST_CASE("simt: sums are bit-identical in 16 orders") {
  const DefaultOptions after;
  std::vector<float> x(4 * 256);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i)) * 1e3f;
  std::vector<float> natural(4);
  launch<sum_kernel<256>>(SimtStream{}, Grid{dim3(4), dim3(256)}, x.data(), natural.data());
  for (std::uint64_t seed = 1; seed <= 16; ++seed) {
    check_options().order_seed = seed;
    std::vector<float> y(4);
    launch<sum_kernel<256>>(SimtStream{}, Grid{dim3(4), dim3(256)}, x.data(), y.data());
    REQUIRE(std::memcmp(y.data(), natural.data(), 16) == 0);
  }
}

TEST_CASE("simt: poison shows in elements that were not written") {
  const DefaultOptions after;
  check_options().poison_shared = true;
  std::vector<float> y(64);
  launch<shared_kernel>(SimtStream{}, Grid{dim3(1), dim3(32), 128}, y.data());
  for (float v : y) REQUIRE(std::isnan(v));

  check_options().poison_byte = 0;
  launch<shared_kernel>(SimtStream{}, Grid{dim3(1), dim3(32), 128}, y.data());
  CHECK(y == std::vector<float>(64, 0));

  check_options() = {};
  check_options().poison_memory = true;
  ready_memory(y.data(), 32 * sizeof(float));
  check_options() = {};
  CHECK(std::isnan(y[31]));
  CHECK(y[32] == 0);
}

TEST_CASE("simt: the launch log names the launcher and distinguishes arguments") {
  float y[2] = {};
  LaunchLog log;
  launch_log() = &log;
  for (float* p : {y, y, y + 1}) fill(SimtStream{}, Grid{dim3(1), dim3(1)}, p);
  launch_log() = nullptr;
  REQUIRE(log.entries.size() == 3);
  CHECK(log.entries[0].launcher == "fill");
  CHECK(log.entries[0] == log.entries[1]);
  CHECK(log.entries[0] != log.entries[2]);
}

#ifndef DYAD_SIMT_ONLY
TEST_CASE("simt: both streams run every block, also inside a parallel region") {
  std::vector<float> y(1000);
  launch<fill_kernel>(CpuStream{}, Grid{dim3(1000), dim3(1)}, y.data(), 1.0f);
  CHECK(y == std::vector<float>(1000, 1));
  launch<fill_kernel>(SimtStream{}, Grid{dim3(100), dim3(10)}, y.data(), 2.0f);
  CHECK(y == std::vector<float>(1000, 2));
#pragma omp parallel for
  for (int i = 0; i < 10; ++i)
    launch<fill_kernel>(SimtStream{}, Grid{dim3(10), dim3(10)}, y.data() + 100 * i, static_cast<float>(i));
  for (int i = 0; i < 1000; ++i) {
    const int launched = i / 100;
    REQUIRE(y[std::size_t(i)] == static_cast<float>(launched));
  }
}
#endif

#if defined(__x86_64__)
TEST_CASE("simt: fibers follow a change of the floating-point mode") {
  std::vector<float> y(64);
  const auto run = [&] {
    launch<denormal_kernel>(SimtStream{}, Grid{dim3(1), dim3(64)}, y.data(), 1.2e-38f);
    return y[63];
  };
  CHECK(run() > 0);
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(mode | 0x8040);  // flush to zero, denormals are zero
  const float flushed = run();
  _mm_setcsr(mode);
  CHECK(flushed == 0);
  CHECK(run() > 0);
}
#endif

}  // namespace kernels
