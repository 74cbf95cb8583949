// A project that uses the SIMT layer without cards: `alone right`, or with a bug, `alone
// past_end|race|never`.
#include <cstdio>
#include <cstring>
#include <string>

#include "apps/check/run_kernels.h"
#include "kernels/simt.h"
#include "kernels/simt/runtime_api.h"

namespace {

__global__ void scale_kernel(const float* x, float* y, unsigned n) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = max(2.0f * x[i], expf(-1.0f));
}

__global__ void add_kernel(float* y) { y[0] += 1.0f; }

__global__ void never_kernel(unsigned* flag) {
  while (atomicAdd(flag, 0u) == 0u) {
  }
}

}  // namespace

int run_kernels(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "right";
  constexpr unsigned n = 100;
  float host[n], *x = nullptr, *y = nullptr;
  unsigned* flag = nullptr;
  for (unsigned i = 0; i < n; ++i) host[i] = static_cast<float>(i);
  if (cudaMalloc(&x, n * sizeof(float)) != cudaSuccess || cudaMalloc(&y, n * sizeof(float)) != cudaSuccess ||
      cudaMalloc(&flag, sizeof(unsigned)) != cudaSuccess)
    return 1;
  cudaMemcpy(x, host, sizeof host, cudaMemcpyHostToDevice);
  cudaMemset(y, 0, n * sizeof(float));
  cudaMemset(flag, 0, sizeof(unsigned));
  const kernels::Grid grid{dim3(4), dim3(32)};
  kernels::launch<scale_kernel>(kernels::SimtStream{}, grid, x, y, what == "past_end" ? n + 1 : n);
  if (what == "race") kernels::launch<add_kernel>(kernels::SimtStream{}, grid, y);
  if (what == "never") kernels::launch<never_kernel>(kernels::SimtStream{}, grid, flag);
  cudaDeviceSynchronize();
  cudaMemcpy(host, y, sizeof host, cudaMemcpyDeviceToHost);
  cudaFree(x);
  cudaFree(y);
  cudaFree(flag);
  std::printf("y[50] = %g\n", double(host[50]));
  return host[50] == 100 ? 0 : 1;
}
