// The host side of simt.h: CUDA's names for g++ and clang++, and launch() on CpuStream and SimtStream.
#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "kernels/launch_log.h"
#include "kernels/stream.h"

#define KERNELS_COMPILER host
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define SHARED(T, name, dims) alignas(64) static thread_local T name dims
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace {
// Local to the translation unit and never address-taken: no store through a pointer can alias them, so that
// loops over threads vectorise.
thread_local uint3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;
inline void __syncthreads() {}
template <class T>
T __shfl_xor_sync(unsigned, T v, int, int = 32) {
  return v;
}
}  // namespace

namespace kernels {
using RunBlocks = void (*)(const void* launch, std::uint64_t begin, std::uint64_t end);
void parallel_blocks(std::uint64_t blocks, RunBlocks, const void* launch);  // over OpenMP threads
}  // namespace kernels

namespace kernels::inline KERNELS_COMPILER {

using std::max;
using std::min;

struct Grid {
  dim3 blocks, threads;
  unsigned shared_bytes = 0;
  const char* launcher = __builtin_FUNCTION();  // who launches: names the op in errors and in the launch log
};

namespace detail {

template <class... P>
struct Launch {
  Grid grid;
  std::tuple<P...> args;
};

// Blocks of one thread. flatten: the kernel is inlined with threadIdx = 0 and blockDim = 1 as constants.
template <auto Kernel, class... P>
__attribute__((flatten)) void run_serial(const void* launch, std::uint64_t begin, std::uint64_t end) {
  const auto& l = *static_cast<const Launch<P...>*>(launch);
  const std::tuple<P...> args = l.args;
  gridDim = {l.grid.blocks.x, l.grid.blocks.y, l.grid.blocks.z};
  for (std::uint64_t b = begin; b < end; ++b) {
    blockIdx = {unsigned(b % gridDim.x), unsigned(b / gridDim.x % gridDim.y),
                unsigned(b / gridDim.x / gridDim.y)};
    blockDim = {1, 1, 1};
    threadIdx = {0, 0, 0};
    std::apply([](auto... a) { Kernel(a...); }, args);
  }
}

template <auto Kernel, class... P>
void launch_host(void (*)(P...), const Grid& grid, std::type_identity_t<P>... args) {
  if (LaunchLog* log = launch_log()) log->add(grid.launcher, args...);
  const Launch<P...> l{grid, {args...}};
  parallel_blocks(std::uint64_t(grid.blocks.x) * grid.blocks.y * grid.blocks.z, &run_serial<Kernel, P...>,
                  &l);
}

}  // namespace detail

template <auto Kernel, class... Args>
void launch(CpuStream, const Grid& grid, Args... args) {
  detail::launch_host<Kernel>(Kernel, grid, args...);
}
template <auto Kernel, class... Args>
void launch(SimtStream, const Grid& grid, Args... args) {
  detail::launch_host<Kernel>(Kernel, grid, args...);
}

}  // namespace kernels::inline KERNELS_COMPILER
