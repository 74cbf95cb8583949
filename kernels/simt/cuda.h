// The CUDA side of simt.h: thin sugar over CUDA.
#pragma once

#include <cuda_runtime.h>

#include "kernels/base/check_cuda.h"
#include "kernels/base/check_options.h"
#include "kernels/base/kernel_use.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/stream.h"

#define KERNELS_COMPILER nvcc
#define SHARED(T, name, dims) __shared__ __align__(16) T name dims  // read in packs of 16 bytes
#define SHARED_DYNAMIC(T, name)                                 \
  extern __shared__ __align__(128) unsigned char simt_shared[]; \
  T* name = reinterpret_cast<T*>(simt_shared)
#define UNROLL _Pragma("unroll")

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
inline KernelUse use_of(const void* kernel, const std::string& launcher, const Grid& grid) {
  const int threads = int(grid.threads.x * grid.threads.y * grid.threads.z);
  cudaFuncAttributes a{};
  check(cudaFuncGetAttributes(&a, kernel));
  int device = 0, blocks = 0, most = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, grid.shared_bytes));
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxThreadsPerMultiProcessor, device));
  return {launcher,
          threads,
          a.numRegs,
          a.localSizeBytes,
          a.sharedSizeBytes + grid.shared_bytes,
          double(blocks) * threads / most};
}

template <auto Kernel, class... P>
void launch(void (*)(P...), CudaStream stream, const Grid& grid, std::type_identity_t<P>... args) {
  const std::string name = launcher_name(grid.launcher);
  const auto look_at = [&](cudaError_t status) { check(status, name.c_str(), grid.file, grid.line); };
  if (grid.shared_bytes > 48 * 1024)
    look_at(cudaFuncSetAttribute(reinterpret_cast<const void*>(Kernel),
                                 cudaFuncAttributeMaxDynamicSharedMemorySize, int(grid.shared_bytes)));
  if (LaunchLog* log = launch_log())
    log->add(grid.launcher, args...).place = std::string(grid.file) + ":" + std::to_string(grid.line);
  if (auto* uses = kernel_uses()) uses->push_back(use_of(reinterpret_cast<const void*>(Kernel), name, grid));
  cudaLaunchConfig_t config{};
  config.gridDim = grid.blocks;
  config.blockDim = grid.threads;
  config.dynamicSmemBytes = grid.shared_bytes;
  config.stream = stream.handle;
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  if (grid.cooperative) {
    config.attrs = &cooperative;
    config.numAttrs = 1;
  }
  look_at(cudaLaunchKernelEx(&config, Kernel, args...));
  if (check_options().sync_launches) look_at(cudaStreamSynchronize(stream.handle));
}
}  // namespace detail

// Launches Kernel on the stream; the arguments are converted to the kernel's parameter types.
template <auto Kernel, class... Args>
void launch(CudaStream stream, const Grid& grid, Args... args) {
  detail::launch<Kernel>(Kernel, stream, grid, args...);
}

}  // namespace kernels::inline KERNELS_COMPILER
