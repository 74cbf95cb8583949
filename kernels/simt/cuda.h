// The CUDA side of simt.h: thin sugar over CUDA.
#pragma once

#include <cuda_runtime.h>

#include "kernels/check_cuda.h"
#include "kernels/check_options.h"
#include "kernels/launch_log.h"
#include "kernels/stream.h"

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
};

namespace detail {
template <auto Kernel, class... P>
void launch(void (*)(P...), CudaStream stream, const Grid& grid, std::type_identity_t<P>... args) {
  const std::string name = launcher_name(grid.launcher);
  const auto look_at = [&](cudaError_t status) { check(status, name.c_str(), grid.file, grid.line); };
  if (grid.shared_bytes > 48 * 1024)
    look_at(cudaFuncSetAttribute(reinterpret_cast<const void*>(Kernel),
                                 cudaFuncAttributeMaxDynamicSharedMemorySize, int(grid.shared_bytes)));
  if (LaunchLog* log = launch_log()) log->add(grid.launcher, args...);
  cudaLaunchConfig_t config{};
  config.gridDim = grid.blocks;
  config.blockDim = grid.threads;
  config.dynamicSmemBytes = grid.shared_bytes;
  config.stream = stream.handle;
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
