// Winograd convolution: the transforms of images and filters into their domain and back. The domain of a bf16
// image is f32, so a result has the rounding error of f32 and that of storing it. A thread transforms
// L channels of one tile; on the GPU L is 1 and neighbouring threads take neighbouring channels.
#include "kernels/convolution/winograd.h"
#include "kernels/convolution/winograd_transforms.h"
#include "kernels/kernels.h"
#include "kernels/tiles/bf16_parts.h"

namespace kernels {
namespace {

using namespace winograd;

// Unrolls the outer loop of a transform on the GPU only, where its values must stay in registers. On the host
// they are in the L1 cache.
#ifdef __CUDACC__
#define UNROLL_ON_GPU UNROLL
#else
#define UNROLL_ON_GPU
#endif

// Index of position (i, j) of channel c of a tile in the domain tensor.
template <int S, int P>
__device__ __forceinline__ std::int64_t place(const WinogradDomain& d, int i, int j, std::int64_t tile,
                                              std::int64_t c) {
  const int point = point_of<S>(i) * 6 + point_of<S>(j), members = winograd_members<S>(point);
  const int member = member_of<S>(i) * (point_of<S>(j) == 5 && S == 2 ? 4 : 1) + member_of<S>(j);
  return d.offset<S>(point) + c / P * d.panel_stride<S>(point) + (tile * members + member) * P + c % P;
}

struct Corner {  // of a tile in its image
  std::int64_t n, y, x;
};
__device__ __forceinline__ Corner corner(const WinogradTiles& t, std::int64_t tile, int step, int origin) {
  const std::int64_t n = tile / (t.across * t.down), in_image = tile - n * t.across * t.down;
  const std::int64_t row = in_image / t.across, column = in_image - row * t.across;
  return {n, row * step + origin, column * step + origin};
}

// The first of a thread's L channels. A host thread then loops over all other channels. A GPU thread has no
// others, since keeping values for them would cost registers.
template <int NT, int LANES, int L>
__device__ __forceinline__ std::int64_t first_channel() {
  return NT == 1 ? 0 : (std::int64_t(blockIdx.y) * LANES + threadIdx.x % LANES) * L;
}

template <int NT, int LANES, int L, int P, class F, class M, class T>
__global__ void __launch_bounds__(NT)
    winograd_image_kernel(WinogradTiles t, const M* image, WinogradDomain d, T* domain) {
  using V = Vector<T, L>;
  using S = Stored<V, M>;
  const std::int64_t tile = std::int64_t(blockIdx.x) * (NT / LANES) + int(threadIdx.x) / LANES;
  if (tile >= t.count) return;
  const Corner at = corner(t, t.first + tile, F::step, F::origin);
  const M* base = image + ((at.n * t.h + at.y) * t.w + at.x) * t.c;
  const Corner next = corner(t, t.first + tile + 1, F::step, F::origin);
  const M* ahead = image + ((next.n * t.h + next.y) * t.w + next.x) * t.c;
  const std::int64_t channels = (t.c + P - 1) / P * P;  // the domain may have more, of another image
  for (std::int64_t c = first_channel<NT, LANES, L>(); c < channels; c = NT == 1 ? c + L : channels) {
    const bool whole = c + L <= t.c;
    V half[F::out][F::in];  // transformed along columns, then along rows
    UNROLL_ON_GPU for (int j = 0; j < F::in; ++j) {
      const bool column = at.x + j >= 0 && at.x + j < t.w;
      V samples[F::in], points[F::out];
      UNROLL for (int i = 0; i < F::in; ++i) {
        const M* from = base + (i * t.w + j) * t.c + c;
        if (NT == 1) prefetch(ahead + (i * t.w + j) * t.c + c);
        samples[i] = V{};
        if (column && at.y + i >= 0 && at.y + i < t.h)
          samples[i] = widen<V>(whole ? load<S>(from) : load_part<S>(from, int(t.c - c)));
      }
      F::template apply<T>(samples, points);
      UNROLL for (int i = 0; i < F::out; ++i) half[i][j] = points[i];
    }
    UNROLL_ON_GPU for (int i = 0; i < F::out; ++i) {
      V points[F::out];
      F::template apply<T>(half[i], points);
      UNROLL for (int j = 0; j < F::out; ++j)
          store(domain + place<F::stride, P>(d, i, j, tile, c), points[j]);
    }
  }
}

template <int NT, int LANES, int L, int P, class F, class M, class T>
__global__ void __launch_bounds__(NT)
    winograd_output_kernel(WinogradTiles t, WinogradDomain d, const T* domain, M* image, bool accumulate) {
  using V = Vector<T, L>;
  using S = Stored<V, M>;
  const std::int64_t tile = std::int64_t(blockIdx.x) * (NT / LANES) + int(threadIdx.x) / LANES;
  if (tile >= t.count) return;
  const Corner at = corner(t, t.first + tile, F::out, 0);
  const Corner next = corner(t, t.first + tile + 1, F::out, 0);
  M* ahead = image + ((next.n * t.h + next.y) * t.w + next.x) * t.c;
  const bool past = !accumulate && past_cache<S>(image, t.images * t.h * t.w * t.c, t.c);
  for (std::int64_t c = first_channel<NT, LANES, L>(); c < t.c; c = NT == 1 ? c + L : t.c) {
    if (NT == 1 && !past)
      for (int i = 0; i < F::out; ++i)
        for (int j = 0; j < F::out; ++j) prefetch_to_write(ahead + (i * t.w + j) * t.c + c);
    V half[F::out][F::in];
    UNROLL_ON_GPU for (int j = 0; j < F::in; ++j) {
      V m[F::in], y[F::out];
      UNROLL for (int i = 0; i < F::in; ++i) m[i] = load<V>(domain + place<F::stride, P>(d, i, j, tile, c));
      F::template apply<T>(m, y);
      UNROLL for (int i = 0; i < F::out; ++i) half[i][j] = y[i];
    }
    const int part = int(t.c - c < L ? t.c - c : L);
    UNROLL_ON_GPU for (int i = 0; i < F::out; ++i) {
      V out[F::out];
      F::template apply<T>(half[i], out);
      if (at.y + i >= t.h) continue;
      UNROLL for (int j = 0; j < F::out; ++j) {
        if (at.x + j >= t.w) continue;
        M* to = image + ((at.n * t.h + at.y + i) * t.w + at.x + j) * t.c + c;
        if (past)
          store_past_cache(to, narrow<M>(out[j]));
        else if (part == L)
          store(to, narrow<M>(accumulate ? widen<V>(load<S>(to)) + out[j] : out[j]));
        else
          store_part(to, narrow<M>(accumulate ? widen<V>(load_part<S>(to, part)) + out[j] : out[j]), part);
      }
    }
  }
}

// Transforms one 3x3 filter, w[tap], and calls put(point, value) for each of the 36 points.
template <class F, class T, class V, class Put>
__device__ __forceinline__ void transform_filter(const V* w, const Put& put) {
  V half[6][3];
  UNROLL_ON_GPU for (int j = 0; j < 3; ++j) {
    const V w1[3] = {w[j], w[3 + j], w[6 + j]};
    V y1[6];
    F::template apply<T>(w1, y1);
    UNROLL for (int i = 0; i < 6; ++i) half[i][j] = y1[i];
  }
  UNROLL_ON_GPU for (int i = 0; i < 6; ++i) {
    V y2[6];
    F::template apply<T>(half[i], y2);
    UNROLL for (int j = 0; j < 6; ++j) put(i * 6 + j, y2[j]);
  }
}

// Transforms rows `row` to row + G - 1 of the filter, L columns of each, into the domain; taps(row, w) loads
// a row. With PARTS = 0 the domain is of T, else of bf16 parts; past: past_cache() of the domain.
template <int PARTS, int L, int P, class F, class T, class D, class Taps>
__device__ __forceinline__ void put_filter(const WinogradFilter& u, std::int64_t panel, std::int64_t row,
                                           int column, D* domain, bool past, const Taps& taps) {
  using V = Vector<T, L>;
  V w[9];
  taps(row, w);
  if constexpr (PARTS == 0) {
    T* to = domain + (panel * u.rows + row) * P + column;
    transform_filter<F, T>(w, [&](int point, V y) {
      if (past)
        store_past_cache(to + u.offset(point), y);
      else
        store(to + u.offset(point), y);
    });
  } else {
#ifndef __CUDACC__
    V first[36];
    transform_filter<F, T>(w, [&](int point, V y) { first[point] = y; });
    taps(row + 1, w);
    D* to =
        domain + PARTS * (panel * u.rows + row / P * P) * P + (column / L * (P / 2) + row % P / 2) * 2 * L;
    transform_filter<F, T>(w, [&](int point, V second) {
      PartBits<V> a[PARTS], b[PARTS];
      split(first[point], a);
      split(second, b);
      for (int p = 0; p < PARTS; ++p) {
        D* at = to + PARTS * u.offset(point) + p * P * P;
        if (past)
          store_past_cache(at, pair_halves(a[p], b[p]));
        else
          store(at, pair_halves(a[p], b[p]));
      }
    });
#endif
  }
}

// Filter of the forward pass: rows are c, columns k. c is innermost in memory, so a block first transposes a
// piece of the filter in shared memory.
template <int NT, int L, int P, int ROWS, int PARTS, class F, class T, class D>
__global__ void __launch_bounds__(NT) winograd_filter_kernel(std::int64_t k_count, std::int64_t c_count,
                                                             const T* filter, WinogradFilter u, D* domain) {
  using V = Vector<T, L>;
  constexpr int PAD = NT == 1 ? L : 1, TX = NT < ROWS ? NT : ROWS, G = PARTS ? 2 : 1;
  SHARED(T, taps, [9][ROWS][P + PAD]);
  const std::int64_t c0 = std::int64_t(blockIdx.x) * ROWS, k0 = std::int64_t(blockIdx.y) * P;
  for (int e = int(threadIdx.x) / TX; e < P * 9; e += NT / TX) {
    const int k = e / 9, tap = e % 9;
    const T* from = filter + ((k0 + k) * 9 + tap) * c_count + c0;
    for (int c = int(threadIdx.x) % TX; c < ROWS; c += TX)
      taps[tap][c][k] = k0 + k < k_count && c0 + c < c_count ? from[c] : T(0);
  }
  __syncthreads();
  const bool past = past_cache<V>(domain, (PARTS ? PARTS : 1) * u.elements(), P);
  for (int e = threadIdx.x; e < ROWS / G * (P / L); e += NT) {
    const int first = e / (P / L) * G, column = e % (P / L) * L;
    if (c0 + first >= u.rows) continue;
    put_filter<PARTS, L, P, F, T>(
        u, blockIdx.y, c0 + first, column, domain, past, [&](std::int64_t row, V* w) {
          UNROLL for (int tap = 0; tap < 9; ++tap) w[tap] = load<V>(&taps[tap][row - c0][column]);
        });
  }
}

// Filter of the data gradient: rows are k, columns c, taps reversed.
template <int NT, int L, int P, int ROWS, int PARTS, class F, class T, class D>
__global__ void __launch_bounds__(NT)
    winograd_transposed_filter_kernel(std::int64_t k_count, std::int64_t c_count, const T* filter,
                                      WinogradFilter u, D* domain) {
  using V = Vector<T, L>;
  constexpr int G = PARTS ? 2 : 1;
  const std::int64_t k0 = std::int64_t(blockIdx.x) * ROWS, c0 = std::int64_t(blockIdx.y) * P;
  const bool past = past_cache<V>(domain, (PARTS ? PARTS : 1) * u.elements(), P);
  for (int e = threadIdx.x; e < ROWS / G * (P / L); e += NT) {
    const std::int64_t first = k0 + e / (P / L) * G;
    const int column = e % (P / L) * L;
    const std::int64_t c = c0 + column;
    if (first >= u.rows) continue;
    put_filter<PARTS, L, P, F, T>(u, blockIdx.y, first, column, domain, past, [&](std::int64_t k, V* w) {
      const int part = k < k_count ? int(c_count - c < L ? c_count - c : L) : 0;
      const T* from = filter + (k < k_count ? k : 0) * 9 * c_count + c;
      if (part == L) {
        UNROLL for (int tap = 0; tap < 9; ++tap) w[tap] = load<V>(from + (8 - tap) * c_count);
      } else {
        UNROLL for (int tap = 0; tap < 9; ++tap) w[tap] = load_part<V>(from + (8 - tap) * c_count, part);
      }
    });
  }
}

// Transforms the gradient of the filters back from the domain; the parts are added in order.
template <int NT, int L, int P, int ROWS, class F, class T>
__global__ void __launch_bounds__(NT, 2)
    winograd_filter_gradient_kernel(std::int64_t k_count, std::int64_t c_count, int parts, WinogradFilter u,
                                    const T* domain, T* d_filter, bool accumulate) {
  using V = Vector<T, L>;
  const std::int64_t k0 = std::int64_t(blockIdx.x) * ROWS, c0 = std::int64_t(blockIdx.y) * P;
  for (int e = threadIdx.x; e < ROWS * (P / L); e += NT) {
    const std::int64_t k = k0 + e / (P / L), c = c0 + e % (P / L) * L;
    const int part = int(c_count - c < L ? c_count - c : L);
    if (k >= k_count || part <= 0) continue;
    const T* from = domain + c0 * u.rows + k * P + (c - c0);
    if (NT == 1)  // prefetch the next filters
      for (int n = 0; n < parts; ++n)
        for (int point = 0; point < 36; ++point) prefetch(from + n * u.elements() + u.offset(point) + P);
    V half[3][6];
    UNROLL_ON_GPU for (int j = 0; j < 6; ++j) {
      V m[6], w[3];
      UNROLL for (int i = 0; i < 6; ++i) m[i] = load<V>(from + u.offset(i * 6 + j));
      for (int n = 1; n < parts; ++n)
        UNROLL for (int i = 0; i < 6; ++i) m[i] += load<V>(from + n * u.elements() + u.offset(i * 6 + j));
      F::template transposed<T>(m, w);
      UNROLL for (int i = 0; i < 3; ++i) half[i][j] = w[i];
    }
    UNROLL_ON_GPU for (int i = 0; i < 3; ++i) {
      V w[3];
      F::template transposed<T>(half[i], w);
      UNROLL for (int j = 0; j < 3; ++j) {
        T* to = d_filter + (k * 9 + i * 3 + j) * c_count + c;
        if (part == L)
          store(to, accumulate ? load<V>(to) + w[j] : w[j]);
        else
          store_part(to, accumulate ? load_part<V>(to, part) + w[j] : w[j], part);
      }
    }
  }
}

template <int NT, int LANES>
Grid tile_grid(const WinogradTiles& t, std::int64_t channels, const char* launcher) {
  return {dim3(unsigned(ceil_div(t.count, NT / LANES)), NT == 1 ? 1 : unsigned(ceil_div(channels, LANES))),
          dim3(NT), 0, launcher};
}

template <class F, class Stream, class M>
void image_to_domain(Stream stream, const WinogradTiles& t, const M* image, const WinogradDomain& d,
                     acc_t<M>* domain) {
  using T = acc_t<M>;
  constexpr int NT = threads<Stream>(128), LANES = choose<Stream>(32, 1);
  const Grid grid = tile_grid<NT, LANES>(t, d.channels, "winograd_image");
  launch<winograd_image_kernel<NT, LANES, lanes<Stream, T>, winograd_panel<Stream, T>, F, M, T>>(
      stream, grid, t, image, d, domain);
}

template <class F, class Stream, class M>
void domain_to_image(Stream stream, const WinogradTiles& t, const WinogradDomain& d, const acc_t<M>* domain,
                     M* image, bool accumulate) {
  using T = acc_t<M>;
  constexpr int NT = threads<Stream>(128), LANES = choose<Stream>(32, 1);
  const Grid grid = tile_grid<NT, LANES>(t, t.c, "winograd_output");
  launch<winograd_output_kernel<NT, LANES, lanes<Stream, T>, winograd_panel<Stream, T>, F, M, T>>(
      stream, grid, t, d, domain, image, accumulate);
}

constexpr int filter_rows = 16;

Grid filter_grid(int threads, const WinogradFilter& u, const char* launcher) {
  return {dim3(unsigned(ceil_div(u.rows, filter_rows)), unsigned(u.columns / u.panel)),
          dim3(unsigned(threads)), 0, launcher};
}

}  // namespace

template <class Stream, class T>
void winograd_image(Stream stream, int stride, WinogradImage kind, const WinogradTiles& t, const T* image,
                    const WinogradDomain& d, acc_t<T>* domain) {
  if (stride == 1) {
    if (kind == WinogradImage::gradient) return image_to_domain<Gradient1>(stream, t, image, d, domain);
    return image_to_domain<Input1>(stream, t, image, d, domain);
  }
  if (kind == WinogradImage::input) return image_to_domain<Input2>(stream, t, image, d, domain);
  if (kind == WinogradImage::gradient) return image_to_domain<Gradient2>(stream, t, image, d, domain);
  image_to_domain<TransposedInput2>(stream, t, image, d, domain);
}

template <class Stream, class T>
void winograd_output(Stream stream, int stride, WinogradImage kind, const WinogradTiles& t,
                     const WinogradDomain& d, const acc_t<T>* domain, T* image, bool accumulate) {
  if (stride == 1) return domain_to_image<Output1>(stream, t, d, domain, image, accumulate);
  if (kind == WinogradImage::input) return domain_to_image<Output2>(stream, t, d, domain, image, accumulate);
  domain_to_image<TransposedOutput2>(stream, t, d, domain, image, accumulate);
}

namespace {

template <int PARTS, class Stream, class T, class D>
void filter_to_domain(Stream stream, int stride, bool transposed, std::int64_t k, std::int64_t c,
                      const T* filter, const WinogradFilter& u, D* domain) {
  constexpr int NT = threads<Stream>(128), L = lanes<Stream, T>, P = winograd_panel<Stream, T>,
                R = filter_rows;
  const Grid grid = filter_grid(NT, u, "winograd_filter");
  if (stride == 1 && !transposed)
    launch<winograd_filter_kernel<NT, L, P, R, PARTS, Filter1, T, D>>(stream, grid, k, c, filter, u, domain);
  else if (stride == 1)
    launch<winograd_transposed_filter_kernel<NT, L, P, R, PARTS, Filter1, T, D>>(stream, grid, k, c, filter,
                                                                                 u, domain);
  else if (!transposed)
    launch<winograd_filter_kernel<NT, L, P, R, PARTS, Filter2, T, D>>(stream, grid, k, c, filter, u, domain);
  else
    launch<winograd_transposed_filter_kernel<NT, L, P, R, PARTS, Filter2, T, D>>(stream, grid, k, c, filter,
                                                                                 u, domain);
}

}  // namespace

template <class Stream, class T>
void winograd_filter(Stream stream, int stride, bool transposed, std::int64_t k, std::int64_t c,
                     const T* filter, const WinogradFilter& u, T* domain) {
  filter_to_domain<0>(stream, stride, transposed, k, c, filter, u, domain);
}

#ifdef KERNELS_CPU_STREAM
void winograd_filter_parts(int parts, CpuStream stream, int stride, bool transposed, std::int64_t k,
                           std::int64_t c, const float* filter, const WinogradFilter& u,
                           std::uint16_t* domain) {
  if (parts == 3)
    filter_to_domain<3>(stream, stride, transposed, k, c, filter, u, domain);
  else
    filter_to_domain<2>(stream, stride, transposed, k, c, filter, u, domain);
}
#endif

template <class Stream, class T>
void winograd_filter_gradient(Stream stream, int stride, std::int64_t k, std::int64_t c, int parts,
                              const WinogradFilter& u, const T* domain, T* d_filter, bool accumulate) {
  constexpr int NT = threads<Stream>(128), L = lanes<Stream, T>, P = winograd_panel<Stream, T>,
                R = filter_rows;
  const Grid grid = filter_grid(NT, u, "winograd_filter_gradient");
  if (stride == 1)
    launch<winograd_filter_gradient_kernel<NT, L, P, R, Filter1, T>>(stream, grid, k, c, parts, u, domain,
                                                                     d_filter, accumulate);
  else
    launch<winograd_filter_gradient_kernel<NT, L, P, R, Filter2, T>>(stream, grid, k, c, parts, u, domain,
                                                                     d_filter, accumulate);
}

#undef UNROLL_ON_GPU

INSTANTIATE_WITH_BF16(winograd_image)
INSTANTIATE_WITH_BF16(winograd_output)
INSTANTIATE(winograd_filter)
INSTANTIATE(winograd_filter_gradient)

}  // namespace kernels
