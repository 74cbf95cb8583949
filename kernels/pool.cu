// Max pool, which saves the place of each maximum, and global average pool. Backward gathers: each input
// element adds up the windows that contain it, so no two threads write to one place.
#include "kernels/kernels.h"
#include "kernels/tiles/packs.h"
#include "kernels/tiles/rows.h"

namespace kernels {
namespace {

constexpr int widest_row = 512;  // channels that a host thread keeps sums of at a time

// An integer as wide as A, so that loops over both vectorise.
template <class A>
using index_of = std::conditional_t<sizeof(A) == 8, std::int64_t, std::int32_t>;

// Calls f(r, c, width) for this thread's pieces of the rows of a slab: `width` channels of row r, from
// channel c on. On the GPU width is V.
template <int NT, int V, class F>
__device__ __forceinline__ void for_row_pieces(std::int64_t R, std::int64_t C, std::int64_t height, F f) {
  const std::int64_t first = blockIdx.x * height, end = first + height < R ? first + height : R;
  if constexpr (NT == 1) {
    for (std::int64_t r = first; r < end; ++r)
      for (std::int64_t c = 0; c < C; c += widest_row) f(r, c, int(C - c < widest_row ? C - c : widest_row));
  } else {
    const ThreadPlace<NT, V> place(C);
    if (place.active)
      for (std::int64_t r = first + place.row; r < end; r += place.rows) f(r, place.c, V);
  }
}

// Calls f(values) with the elements of one piece: on the GPU loaded as a pack, on the host in place.
template <int NT, int V, class T, class F>
__device__ __forceinline__ void with_values(const T* p, F f) {
  if constexpr (NT > 1) {
    const Pack<T, V> pack = *reinterpret_cast<const Pack<T, V>*>(p);
    f(pack.v);
  } else {
    f(p);
  }
}

// p[k] = T(values[k]) for a piece
template <int NT, int V, class T, class A>
__device__ __forceinline__ void store_values(T* p, int width, const A* values) {
  if constexpr (NT > 1) {
    Pack<T, V> pack;
    UNROLL for (int k = 0; k < V; ++k) pack.v[k] = T(values[k]);
    *reinterpret_cast<Pack<T, V>*>(p) = pack;
  } else {
    for (int k = 0; k < width; ++k) p[k] = T(values[k]);
  }
}

template <class A, class T>
__device__ __forceinline__ void take_larger(int width, int position, const T* __restrict__ x,
                                            A* __restrict__ best, index_of<A>* __restrict__ at) {
  for (int i = 0; i < width; ++i) {
    const A v = A(x[i]);
    const bool larger = v > best[i] || v != v;
    best[i] = larger ? v : best[i];
    at[i] = larger ? index_of<A>(position) : at[i];
  }
}

template <int NT, int V, class T>
__global__ void __launch_bounds__(NT, 1)
    max_pool_kernel(PoolShape s, std::int64_t P, std::int64_t Q, std::int64_t height, const T* __restrict__ x,
                    T* __restrict__ y, std::uint8_t* __restrict__ indices) {
  using A = acc_t<T>;
  for_row_pieces<NT, V>(s.N * P * Q, s.C, height, [=](std::int64_t r, std::int64_t c, int width) {
    constexpr int W = NT == 1 ? widest_row : V;
    const std::int64_t n = r / (P * Q), p = r / Q % P, q = r % Q;
    A best[W];
    index_of<A> at[W];
    for (int k = 0; k < width; ++k) {
      best[k] = A(0);
      at[k] = 0;
    }
    bool begun = false;  // the first pixel is always taken, since it may be -infinity
    for (int i = 0; i < s.kernel; ++i) {
      const std::int64_t h = p * s.stride - s.padding + i;
      if (h < 0 || h >= s.H) continue;
      for (int j = 0; j < s.kernel; ++j) {
        const std::int64_t w = q * s.stride - s.padding + j;
        if (w < 0 || w >= s.W) continue;
        const int position = i * s.kernel + j;
        with_values<NT, V>(x + ((n * s.H + h) * s.W + w) * s.C + c, [&](const T* pixel) {
          if (begun) {
            take_larger(width, position, pixel, best, at);
          } else {
            for (int k = 0; k < width; ++k) {
              best[k] = A(pixel[k]);
              at[k] = index_of<A>(position);
            }
          }
        });
        begun = true;
      }
    }
    store_values<NT, V>(y + r * s.C + c, width, best);
    store_values<NT, V>(indices + r * s.C + c, width, at);
  });
}

template <class A, class T>
__device__ __forceinline__ void add_chosen(int width, int position, const T* __restrict__ dy,
                                           const std::uint8_t* __restrict__ indices, A* __restrict__ sum) {
  for (int i = 0; i < width; ++i) sum[i] += indices[i] == position ? A(dy[i]) : A(0);
}

template <int NT, int V, bool Accumulate, class T>
__global__ void __launch_bounds__(NT, 1)
    max_pool_backward_kernel(PoolShape s, std::int64_t P, std::int64_t Q, std::int64_t height,
                             const T* __restrict__ dy, const std::uint8_t* __restrict__ indices,
                             T* __restrict__ dx) {
  using A = acc_t<T>;
  for_row_pieces<NT, V>(s.N * s.H * s.W, s.C, height, [=](std::int64_t r, std::int64_t c, int width) {
    constexpr int W = NT == 1 ? widest_row : V;
    const std::int64_t n = r / (s.H * s.W), h = r / s.W % s.H + s.padding, w = r % s.W + s.padding;
    A sum[W];
    for (int k = 0; k < width; ++k) sum[k] = A(0);
    // windows p with p stride <= h < p stride + kernel
    const std::int64_t p0 = h < s.kernel ? 0 : (h - s.kernel) / s.stride + 1;
    const std::int64_t q0 = w < s.kernel ? 0 : (w - s.kernel) / s.stride + 1;
    for (std::int64_t p = p0; p < P && p * s.stride <= h; ++p)
      for (std::int64_t q = q0; q < Q && q * s.stride <= w; ++q) {
        const int position = int((h - p * s.stride) * s.kernel + w - q * s.stride);
        const std::int64_t o = ((n * P + p) * Q + q) * s.C + c;
        with_values<NT, V>(dy + o, [&](const T* d) {
          with_values<NT, V>(indices + o,
                             [&](const std::uint8_t* at) { add_chosen(width, position, d, at, sum); });
        });
      }
    T* out = dx + r * s.C + c;
    if (Accumulate)
      with_values<NT, V>(out, [&](const T* before) {
        for (int k = 0; k < width; ++k) sum[k] += A(before[k]);
      });
    store_values<NT, V>(out, width, sum);
  });
}

// Block x takes image n; its threads take the channels.
template <int NT, class T>
__global__ void __launch_bounds__(NT)
    global_avg_pool_kernel(std::int64_t S, std::int64_t C, const T* __restrict__ x, T* __restrict__ y) {
  using A = acc_t<T>;
  constexpr int W = NT == 1 ? widest_row : 1, across = NT == 1 ? widest_row : NT;
  const std::int64_t n = blockIdx.x, c = std::int64_t(blockIdx.y) * across + threadIdx.x;
  if (c >= C) return;
  const int width = int(C - c < W ? C - c : W);
  A sum[W];
  for (int i = 0; i < width; ++i) sum[i] = A(0);
  for (std::int64_t s = 0; s < S; ++s) {
    const T* row = x + (n * S + s) * C + c;
    for (int i = 0; i < width; ++i) sum[i] += A(row[i]);
  }
  for (int i = 0; i < width; ++i) y[n * C + c + i] = T(sum[i] / A(S));
}

template <int NT, bool Accumulate, class T>
__global__ void __launch_bounds__(NT)
    global_avg_pool_backward_kernel(std::int64_t S, std::int64_t C, const T* __restrict__ dy,
                                    T* __restrict__ dx) {
  using A = acc_t<T>;
  constexpr int W = NT == 1 ? widest_row : 1, across = NT == 1 ? widest_row : NT;
  const std::int64_t n = blockIdx.x, c = std::int64_t(blockIdx.y) * across + threadIdx.x;
  if (c >= C) return;
  const int width = int(C - c < W ? C - c : W);
  for (std::int64_t s = 0; s < S; ++s) {
    T* row = dx + (n * S + s) * C + c;
    for (int i = 0; i < width; ++i) {
      const A g = A(dy[n * C + c + i]) / A(S);
      row[i] = T(Accumulate ? A(row[i]) + g : g);
    }
  }
}

}  // namespace

template <class Stream, class T>
void max_pool2d(Stream stream, const PoolShape& s, const T* x, T* y, std::uint8_t* indices) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t R = s.N * s.P() * s.Q(), height = strip_height<NT>(R, s.C);
  choose_pack<Stream, T>(
      s.C,
      [=](auto V) {
        const Grid grid = rows_grid<NT>(ceil_div(R, height), s.C, V, "max_pool2d");
        launch<max_pool_kernel<NT, V, T>>(stream, grid, s, s.P(), s.Q(), height, x, y, indices);
      },
      x, y, indices);
}

template <class Stream, class T>
void max_pool2d_backward(Stream stream, const PoolShape& s, const T* dy, const std::uint8_t* indices, T* dx,
                         bool accumulate) {
  constexpr int NT = threads<Stream>(256);
  const std::int64_t R = s.N * s.H * s.W, height = strip_height<NT>(R, s.C);
  choose_pack<Stream, T>(
      s.C,
      [=](auto V) {
        const Grid grid = rows_grid<NT>(ceil_div(R, height), s.C, V, "max_pool2d_backward");
        if (accumulate)
          launch<max_pool_backward_kernel<NT, V, true, T>>(stream, grid, s, s.P(), s.Q(), height, dy, indices,
                                                           dx);
        else
          launch<max_pool_backward_kernel<NT, V, false, T>>(stream, grid, s, s.P(), s.Q(), height, dy,
                                                            indices, dx);
      },
      dy, indices, dx);
}

template <class Stream, class T>
void global_avg_pool(Stream stream, std::int64_t N, std::int64_t S, std::int64_t C, const T* x, T* y) {
  constexpr int NT = threads<Stream>(256), across = NT == 1 ? widest_row : NT;
  const Grid grid{dim3(unsigned(N), unsigned(ceil_div(C, across))), dim3(NT)};
  launch<global_avg_pool_kernel<NT, T>>(stream, grid, S, C, x, y);
}

template <class Stream, class T>
void global_avg_pool_backward(Stream stream, std::int64_t N, std::int64_t S, std::int64_t C, const T* dy,
                              T* dx, bool accumulate) {
  constexpr int NT = threads<Stream>(256), across = NT == 1 ? widest_row : NT;
  const Grid grid{dim3(unsigned(N), unsigned(ceil_div(C, across))), dim3(NT)};
  if (accumulate)
    launch<global_avg_pool_backward_kernel<NT, true, T>>(stream, grid, S, C, dy, dx);
  else
    launch<global_avg_pool_backward_kernel<NT, false, T>>(stream, grid, S, C, dy, dx);
}

INSTANTIATE_WITH_BF16(max_pool2d)
INSTANTIATE_WITH_BF16(max_pool2d_backward)
INSTANTIATE_WITH_BF16(global_avg_pool)
INSTANTIATE_WITH_BF16(global_avg_pool_backward)

}  // namespace kernels
