// The inner loop of a tiled matrix product: one thread's tile of the result, kept in registers.
//
// On the host the vectors are spelled out. Written as plain loops g++ makes the same code of it or code that
// is seven times slower (vectors along k, accumulators in memory), as the constants around it happen to be.
#pragma once

#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, vector_registers = 32;
#elif defined(__AVX__)
constexpr int vector_bytes = 32, vector_registers = 16;
#else
constexpr int vector_bytes = 16, vector_registers = 16;
#endif

// acc[r][c] += sum over k < n of a[r AR + k AK] b[k BK + c]. RJ is a power of two, or a multiple of the
// host's vector. On the GPU b, and a if AR is 1, begin at a multiple of 16 bytes, as do their rows.
#ifdef __CUDACC__
template <int N, class A>
__device__ __forceinline__ void load_vector(const A* from, A (&to)[N]) {
  constexpr int V = 16 / int(sizeof(A)) < N ? 16 / int(sizeof(A)) : N;
  struct alignas(V * sizeof(A)) Pack {
    A v[V];
  };
  UNROLL for (int i = 0; i < N; i += V) {
    const Pack pack = *reinterpret_cast<const Pack*>(from + i);
    UNROLL for (int v = 0; v < V; ++v) to[i + v] = pack.v[v];
  }
}

template <int AR, int AK, int BK, int RI, int RJ, class A>
__device__ __forceinline__ void multiply(int n, const A* a, const A* b, A (&acc)[RI][RJ]) {
#pragma unroll 4
  for (int k = 0; k < n; ++k) {
    A x[RI], y[RJ];
    if constexpr (AR == 1)
      load_vector(a + k * AK, x);
    else
      UNROLL for (int r = 0; r < RI; ++r) x[r] = a[r * AR + k * AK];
    load_vector(b + k * BK, y);
    UNROLL for (int r = 0; r < RI; ++r) UNROLL for (int c = 0; c < RJ; ++c) acc[r][c] += x[r] * y[c];
  }
}
#else
template <int AR, int AK, int BK, int RI, int RJ, class A>
__forceinline__ void multiply(int n, const A* a, const A* b, A (&acc)[RI][RJ]) {
  constexpr int V = RJ * int(sizeof(A)) > vector_bytes ? vector_bytes / int(sizeof(A)) : RJ;
  typedef A Vector __attribute__((vector_size(V * sizeof(A)), aligned(sizeof(A)), may_alias));
  Vector sum[RI][RJ / V];
  UNROLL for (int r = 0; r < RI; ++r) UNROLL for (int c = 0; c < RJ / V; ++c) sum[r][c] =
      *reinterpret_cast<const Vector*>(&acc[r][c * V]);
  for (int k = 0; k < n; ++k)
    UNROLL for (int r = 0; r < RI; ++r) UNROLL for (int c = 0; c < RJ / V; ++c) sum[r][c] +=
        a[r * AR + k * AK] * *reinterpret_cast<const Vector*>(&b[k * BK + c * V]);
  UNROLL for (int r = 0; r < RI; ++r) UNROLL for (int c = 0; c < RJ / V; ++c) *
      reinterpret_cast<Vector*>(&acc[r][c * V]) = sum[r][c];
}
#endif

}  // namespace kernels::inline KERNELS_COMPILER
