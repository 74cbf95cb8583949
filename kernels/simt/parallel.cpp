#include <exception>

#include "kernels/launch_log.h"
#include "kernels/simt/host.h"

namespace kernels {

LaunchLog*& launch_log() {
  static LaunchLog* log = nullptr;
  return log;
}

}  // namespace kernels

#ifdef _OPENMP
#include <omp.h>

namespace kernels {

void parallel_blocks(std::uint64_t blocks, RunBlocks run, const void* launch) {
  const int workers = omp_get_max_threads();
  if (blocks == 1 || workers == 1 || omp_in_parallel()) return run(launch, 0, blocks);
  const std::uint64_t piece = std::max<std::uint64_t>(1, blocks / (std::uint64_t(workers) * 8));
  const std::int64_t pieces = std::int64_t((blocks + piece - 1) / piece);
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t i = 0; i < pieces; ++i) {
    try {
      run(launch, std::uint64_t(i) * piece, std::min(blocks, std::uint64_t(i + 1) * piece));
    } catch (...) {
#pragma omp critical
      error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace kernels
#else
namespace kernels {
void parallel_blocks(std::uint64_t blocks, RunBlocks run, const void* launch) { run(launch, 0, blocks); }
}  // namespace kernels
#endif
