// CUDA's names on the host: thread indices, shuffles, votes, atomics, reductions and math behave as in CUDA.
#include <doctest/doctest.h>

#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/base/check_options.h"
#include "kernels/tiles/reduce.h"

namespace kernels {
namespace {

__global__ void indices_kernel(int* times, unsigned* values) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned i = block * blockDim.x * blockDim.y * blockDim.z + thread;
  atomicAdd(&times[i], 1);
  values[i] = blockIdx.z * 100000 + blockIdx.y * 10000 + blockIdx.x * 1000 + threadIdx.z * 100 +
              threadIdx.y * 10 + threadIdx.x;
}

// Each lane writes the results of shuffles of the lane number.
__global__ void shuffle_kernel(int* y) {
  const int lane = static_cast<int>(threadIdx.x) % warpSize;
  int* out = y + threadIdx.x * 8;
  out[0] = __shfl_sync(~0u, lane, 5);
  out[1] = __shfl_sync(~0u, lane, 5, 4);
  out[2] = __shfl_up_sync(~0u, lane, 3);
  out[3] = __shfl_up_sync(~0u, lane, 3, 8);
  out[4] = __shfl_down_sync(~0u, lane, 3);
  out[5] = __shfl_down_sync(~0u, lane, 3, 8);
  out[6] = __shfl_xor_sync(~0u, lane, 17);
  out[7] = static_cast<int>(__shfl_xor_sync(~0u, 1e100 * lane, 1) / 1e100 + 0.5);  // NOLINT
}

__global__ void vote_kernel(unsigned* y) {
  const unsigned lane = threadIdx.x % 32;
  unsigned* out = y + threadIdx.x * 6;
  out[0] = __ballot_sync(~0u, lane % 3 == 0);
  out[1] = static_cast<unsigned>(__any_sync(~0u, lane == 31) + 2 * __all_sync(~0u, lane < 32));
  out[2] = static_cast<unsigned>(__any_sync(~0u, lane == 32) + 2 * __all_sync(~0u, lane < 31));
  out[3] = lane < 16 ? __ballot_sync(0x0000ffffu, 1) : __ballot_sync(0xffff0000u, lane == 20);
  out[4] = static_cast<unsigned>(__syncthreads_count(threadIdx.x < 40));
  out[5] =
      static_cast<unsigned>(__syncthreads_or(threadIdx.x == 63) + 2 * __syncthreads_and(threadIdx.x < 63));
}

// Sums and matches over the lanes of one value in three, and over all.
__global__ void warp_reduce_kernel(int* y) {
  const int lane = static_cast<int>(threadIdx.x) % warpSize;
  int* out = y + threadIdx.x * 9;
  const unsigned every = ~0u, third = 0x49249249u;  // lanes 0, 3, 6 ...
  out[0] = __reduce_add_sync(every, lane - 40);
  out[1] = __reduce_min_sync(every, lane - 40);
  out[2] = static_cast<int>(__reduce_max_sync(every, 3u * static_cast<unsigned>(lane)));
  out[3] = static_cast<int>(__reduce_or_sync(every, 1u << lane % 5));
  out[4] = static_cast<int>(__reduce_and_sync(every, ~(1u << lane % 5)));
  out[5] = static_cast<int>(__reduce_xor_sync(every, static_cast<unsigned>(lane)));
  out[6] = static_cast<int>(__match_any_sync(every, lane / 8));
  int all = 7;
  out[7] = __match_all_sync(every, 2.5, &all) == every ? all : -1;
  out[8] = lane % 3 == 0 ? __reduce_add_sync(third, lane) : 0;
}

__constant__ float table[] = {1, 10, 100};

// Features that are plain C++ on the host: constant memory, printf, assert.
__global__ void plain_kernel(float* y) {
  assert(threadIdx.x < 3);
  y[threadIdx.x] = table[threadIdx.x];
  if (threadIdx.x > 3) printf("never %d\n", static_cast<int>(threadIdx.x));
}

__global__ void atomic_kernel(int* i, unsigned* u, unsigned long long* l, float* f, double* d) {
  const int t = static_cast<int>(threadIdx.x + blockIdx.x * blockDim.x);
  atomicAdd(&i[0], t);
  atomicSub(&i[1], t);
  atomicMax(&i[2], t);
  atomicMin(&i[3], -t);
  atomicOr(&u[0], 1u << t % 32);
  atomicAnd(&u[1], ~(1u << t % 16));
  atomicXor(&u[2], 1u << t % 4);
  atomicExch(&u[3], 7u);
  atomicCAS(&u[4], 0u, 9u);
  atomicInc(&u[5], 9u);
  atomicDec(&u[6], 9u);
  atomicAdd(&l[0], 1ull << 33);
  atomicAdd(&f[0], 0.5f);
  atomicAdd(&d[0], 0.25);
}

template <int NT>
__global__ void __launch_bounds__(NT) reduce_kernel(const float* x, float* y) {
  const float v = x[threadIdx.x];
  y[threadIdx.x] = block_sum<NT>(v);
  y[NT + threadIdx.x] = block_max<NT>(-v);
  y[2 * NT + threadIdx.x] = warp_sum<NT>(v);
  y[3 * NT + threadIdx.x] = warp_max<NT>(-v);
}

// Sums of small integers are exact in any order.
template <int NT, class Stream>
void check_reductions(Stream stream) {
  std::vector<float> x(NT), y(4 * NT);
  for (int i = 0; i < NT; ++i) x[std::size_t(i)] = static_cast<float>(i % 7 + 1);
  launch<reduce_kernel<NT>>(stream, Grid{dim3(1), dim3(NT)}, x.data(), y.data());
  float sum = 0;
  for (float v : x) sum += v;
  for (int i = 0; i < NT; ++i) {
    CAPTURE(i);
    float warp = 0, warp_most = -100;
    for (int j = i / 32 * 32; j < std::min(NT, i / 32 * 32 + 32); ++j) {
      warp += x[std::size_t(j)];
      warp_most = std::max(warp_most, -x[std::size_t(j)]);
    }
    const auto at = [&](int row) { return y[std::size_t(row * NT + i)]; };
    REQUIRE(at(0) == sum);
    REQUIRE(at(1) == -1);
    REQUIRE(at(2) == warp);
    REQUIRE(at(3) == warp_most);
  }
}

__global__ void math_kernel(int n, const float* x, float* e, float* most) {
  for (int i = 0; i < n; ++i) {
    e[i] = exp(x[i]);
    most[i] = fmaxf(x[i], 1.0f);
  }
}

std::vector<float> exp_of(const std::vector<float>& x) {
  std::vector<float> e(x.size()), most(x.size());
  launch<math_kernel>(SimtStream{}, Grid{dim3(1), dim3(1)}, static_cast<int>(x.size()), x.data(), e.data(),
                      most.data());
  return e;
}

}  // namespace

TEST_CASE("simt: every thread of a grid runs once and has the right indices") {
  for (std::uint64_t seed : {0, 1, 2}) {
    check_options().order_seed = seed;
    std::vector<int> times(12 * 24);
    std::vector<unsigned> values(12 * 24);
    launch<indices_kernel>(SimtStream{}, Grid{dim3(3, 2, 2), dim3(4, 3, 2)}, times.data(), values.data());
    check_options().order_seed = 0;
    std::size_t i = 0;
    for (unsigned bz = 0; bz < 2; ++bz)
      for (unsigned by = 0; by < 2; ++by)
        for (unsigned bx = 0; bx < 3; ++bx)
          for (unsigned tz = 0; tz < 2; ++tz)
            for (unsigned ty = 0; ty < 3; ++ty)
              for (unsigned tx = 0; tx < 4; ++tx, ++i) {
                REQUIRE(times[i] == 1);
                REQUIRE(values[i] == bz * 100000 + by * 10000 + bx * 1000 + tz * 100 + ty * 10 + tx);
              }
  }
}

TEST_CASE("simt: shuffles") {
  std::vector<int> y(64 * 8);
  launch<shuffle_kernel>(SimtStream{}, Grid{dim3(1), dim3(64)}, y.data());
  for (int thread = 0; thread < 64; ++thread) {
    CAPTURE(thread);
    const int lane = thread % 32, in_8 = lane % 8;
    const int* got = &y[std::size_t(thread) * 8];
    CHECK(got[0] == 5);
    CHECK(got[1] == lane / 4 * 4 + 1);
    CHECK(got[2] == (lane < 3 ? lane : lane - 3));
    CHECK(got[3] == (in_8 < 3 ? lane : lane - 3));
    CHECK(got[4] == (lane > 28 ? lane : lane + 3));
    CHECK(got[5] == (in_8 > 4 ? lane : lane + 3));
    CHECK(got[6] == (lane ^ 17));
    CHECK(got[7] == (lane ^ 1));
  }
}

TEST_CASE("simt: votes") {
  std::vector<unsigned> y(64 * 6);
  launch<vote_kernel>(SimtStream{}, Grid{dim3(1), dim3(64)}, y.data());
  for (unsigned thread = 0; thread < 64; ++thread) {
    CAPTURE(thread);
    const unsigned* got = &y[thread * 6];
    CHECK(got[0] == 0x49249249u);
    CHECK(got[1] == 3);
    CHECK(got[2] == 0);
    CHECK(got[3] == (thread % 32 < 16 ? 0xffffu : 1u << 20));
    CHECK(got[4] == 40);
    CHECK(got[5] == 1);
  }
}

TEST_CASE("simt: sums, extremes and matches over lanes") {
  std::vector<int> y(64 * 9);
  launch<warp_reduce_kernel>(SimtStream{}, Grid{dim3(1), dim3(64)}, y.data());
  for (int thread = 0; thread < 64; ++thread) {
    CAPTURE(thread);
    const int* got = &y[std::size_t(thread) * 9];
    const int lane = thread % 32;
    CHECK(got[0] == 31 * 16 - 40 * 32);
    CHECK(got[1] == -40);
    CHECK(got[2] == 93);
    CHECK(got[3] == 31);
    CHECK(got[4] == ~31);
    CHECK(got[5] == 0);
    CHECK(static_cast<unsigned>(got[6]) == 0xffu << lane / 8 * 8);
    CHECK(got[7] == 1);
    CHECK(got[8] == (lane % 3 == 0 ? 165 : 0));
  }
}

TEST_CASE("simt: constant memory, assert and printf are those of C++") {
  std::vector<float> y(3);
  launch<plain_kernel>(SimtStream{}, Grid{dim3(1), dim3(3)}, y.data());
  CHECK(y == std::vector<float>{1, 10, 100});
}

TEST_CASE("simt: atomics") {
  std::vector<int> i(4);
  std::vector<unsigned> u{0, ~0u, 0, 0, 0, 0, 0};
  unsigned long long l = 0;
  float f = 0;
  double d = 0;
  launch<atomic_kernel>(SimtStream{}, Grid{dim3(4), dim3(64)}, i.data(), u.data(), &l, &f, &d);
  CHECK(i == std::vector<int>{255 * 128, -255 * 128, 255, -255});
  CHECK(u == std::vector<unsigned>{~0u, 0xffff0000u, 0, 7, 9, 256 % 10, 10 - 256 % 10});
  CHECK(l == 256ull << 33);
  CHECK(f == 128);
  CHECK(d == 64);
}

TEST_CASE("simt: sums and maxima over warps and blocks") {
  check_reductions<32>(SimtStream{});
  check_reductions<64>(SimtStream{});
  check_reductions<256>(SimtStream{});
  check_reductions<1024>(SimtStream{});
  check_reductions<1>(SimtStream{});
#ifndef DYAD_SIMT_ONLY
  check_reductions<1>(CpuStream{});
#endif
}

TEST_CASE("simt: exp in f32 is accurate to 1 ulp, from subnormal to the largest results") {
  std::vector<float> x;
  for (int i = 0; i <= 400000; ++i) x.push_back(-103.9f + 192.6f * static_cast<float>(i) / 400000);
  const std::vector<float> e = exp_of(x);
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = std::exp(static_cast<double>(x[i]));
    const float rounded = static_cast<float>(exact);
    const double ulp = static_cast<double>(std::nextafter(rounded, 1e38f * 10)) - rounded;
    worst = std::max(worst, std::abs(e[i] - exact) / std::abs(ulp));
  }
  CHECK(worst < 1.01);

  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> special = exp_of({infinity, -infinity, NAN, 0.0f, -1000.0f, 1000.0f});
  CHECK(special[0] == infinity);
  CHECK(special[1] == 0);
  CHECK(std::isnan(special[2]));
  CHECK(special[3] == 1);
  CHECK(special[4] == 0);
  CHECK(special[5] == infinity);
}

TEST_CASE("simt: functions and types") {
  CHECK(fmaxf(NAN, 2.0f) == 2);
  CHECK(fmaxf(2.0f, NAN) == 2);
  CHECK(fminf(NAN, 2.0f) == 2);
  CHECK(std::isnan(max(std::nan(""), std::nan(""))));
  CHECK(max(3, 4) == 4);
  CHECK(min(3.0, 4.0) == 3);
  CHECK(rsqrt(4.0f) == 0.5f);
  CHECK(rsqrt(4.0) == 0.5);
  CHECK(__saturatef(1.5f) == 1);
  CHECK(__umulhi(0x80000000u, 6u) == 3);
  CHECK(__popc(0xf0f0u) == 8);
  CHECK(__clz(1) == 31);
  CHECK(__clz(0) == 32);
  CHECK(__ffs(8) == 4);
  CHECK(__ffs(0) == 0);
  CHECK(__float_as_uint(1.0f) == 0x3f800000u);
  CHECK(__uint_as_float(0x40000000u) == 2);
  CHECK(__float2int_rn(2.5f) == 2);
  CHECK(sizeof(float4) == 16);
  CHECK(alignof(float4) == 16);
  CHECK(make_uchar4(1, 2, 3, 4).w == 4);
  CHECK(make_float2(1, 2).y == 2);
}

}  // namespace kernels
