// One kernel source, three streams. What a kernel file includes.
//
// nvcc sees CUDA C++; g++ and clang++ see ordinary C++ in which simt/host.h gives CUDA's names (threadIdx,
// __syncthreads, __shfl_xor_sync, atomicAdd) their meaning on the host. A kernel file may not use
//   <<<>>>          but launch<kernel<...>>(stream, Grid{blocks, threads, shared_bytes}, args...)
//   __shared__      but SHARED(float, tile, [32][33]);  or  SHARED_DYNAMIC(float, buffer);
//   #pragma unroll  but UNROLL (before a loop)
// Kernels are templates on their number of threads NT (and on tile sizes), which the launcher takes from the
// stream:
//   constexpr int NT = threads<Stream>(256);   // 256 on CudaStream and SimtStream, 1 on CpuStream
//   constexpr int TILE = choose<Stream>(64, 128);
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/base/bf16.h"
#include "kernels/base/rounding.h"
#include "kernels/base/stream.h"

#ifdef __CUDACC__
#include "kernels/simt/cuda.h"
#else
#include "kernels/simt/host.h"
#endif

// A namespace for each compiler: else the linker would merge functions that the compilers see differently.
namespace kernels::inline KERNELS_COMPILER {

template <class Stream>
constexpr int choose(int gpu, int cpu) {
  return std::is_same_v<Stream, CpuStream> ? cpu : gpu;
}

template <class Stream>
constexpr int threads(int gpu) {
  return choose<Stream>(gpu, 1);
}

// Calls f(i) once for every i < n, divided over the whole grid. Neighbouring threads take neighbouring
// elements; a block of one thread takes one contiguous piece, so that its loop vectorises.
template <int NT, class F>
__device__ __forceinline__ void for_each(std::int64_t n, F f) {
  if constexpr (NT == 1) {
    const std::int64_t piece = (n + gridDim.x - 1) / gridDim.x, begin = blockIdx.x * piece;
    const std::int64_t end = begin + piece < n ? begin + piece : n;
    for (std::int64_t i = begin; i < end; ++i) f(i);
  } else {
    for (std::int64_t i = std::int64_t(blockIdx.x) * NT + threadIdx.x; i < n;
         i += std::int64_t(gridDim.x) * NT)
      f(i);
  }
}

// The grid of for_each. It depends on n only, so results do not depend on the number of processors.
template <int NT>
Grid grid_for(std::int64_t n, const char* launcher = __builtin_FUNCTION(),
              const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  const std::int64_t piece = NT == 1 ? 16384 : NT, most = NT == 1 ? 1024 : 4096;
  const std::int64_t blocks = (n + piece - 1) / piece;
  return {dim3(unsigned(blocks < 1 ? 1 : blocks < most ? blocks : most)), dim3(NT), 0, launcher, file, line};
}

}  // namespace kernels::inline KERNELS_COMPILER

// Emits fn<Stream, T> for the streams of this compilation and each element type. The library compiles a .cu
// for CpuStream and for SimtStream in two files, since only the first needs the optimizer.
#ifdef __CUDACC__
#define INSTANTIATE_FOR(fn, T) template decltype(fn<kernels::CudaStream, T>) fn<kernels::CudaStream, T>;
#elif defined(KERNELS_CPU_STREAM)
#define INSTANTIATE_FOR(fn, T) template decltype(fn<kernels::CpuStream, T>) fn<kernels::CpuStream, T>;
#elif defined(KERNELS_SIMT_STREAM) || defined(DYAD_SIMT_ONLY)  // sanitizer builds: the one that is checked
#define INSTANTIATE_FOR(fn, T) template decltype(fn<kernels::SimtStream, T>) fn<kernels::SimtStream, T>;
#else
#define INSTANTIATE_FOR(fn, T)                                              \
  template decltype(fn<kernels::SimtStream, T>) fn<kernels::SimtStream, T>; \
  template decltype(fn<kernels::CpuStream, T>) fn<kernels::CpuStream, T>;
#endif
#define INSTANTIATE(fn) INSTANTIATE_FOR(fn, float) INSTANTIATE_FOR(fn, double)
#define INSTANTIATE_WITH_BF16(fn) INSTANTIATE(fn) INSTANTIATE_FOR(fn, kernels::bf16)
