// A whole convolution in Winograd's domain, from the kernels of winograd.h.
#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "kernels/base/parallel_blocks.h"
#include "kernels/convolution/amx.h"
#include "kernels/convolution/convolution_backend.h"
#include "kernels/convolution/winograd.h"
#include "kernels/convolution/winograd_amx.h"

namespace kernels {
namespace {

// Whether the products of a domain are AMX's, on a CPU that has it.
template <class Stream, class D>
constexpr bool amx_is_possible = std::is_same_v<Stream, CpuStream>&& std::is_same_v<D, float>&& amx::built;

// The bf16 parts of an operand of AMX's products; 0 if the products are not AMX's.
template <class Stream, class T>
int split_of() {
  return amx_is_possible<Stream, acc_t<T>> && cpu_has_amx() ? amx::parts<T> : 0;
}

// Bytes of `elements` of a domain, as bf16 parts if `split` is not 0.
template <class D>
std::size_t domain_bytes(std::int64_t elements, int split = 0) {
  return std::size_t(elements) * (split ? std::size_t(split) * sizeof(bf16) : sizeof(D));
}

std::int64_t elements(const WinogradDomain& d, int stride) {
  return stride == 1 ? d.elements<1>() : d.elements<2>();
}

// Forward pass and data gradient: an image of `in` channels becomes one of `out` channels.
template <class Stream, class T>
struct Apply {
  using D = acc_t<T>;  // of the domain
  int stride, split = split_of<Stream, T>();
  WinogradImage kind;
  WinogradTiles in, out;
  std::int64_t tiles, blocks;
  // With AMX and many channels all threads work on one large block, each on other points: then each core
  // reads its points' filters from memory once. Otherwise a thread has blocks of its own.
  bool shared;
  int slots;
  WinogradDomain v, m;
  WinogradFilter u;

  Apply(const ConvolutionShape& s, bool transposed)
      : stride(int(s.stride)), shared(split && s.c * s.k >= 256 * 256) {
    constexpr int P = winograd_panel<Stream, D>;
    kind = transposed ? WinogradImage::transposed_input : WinogradImage::input;
    in = {s.n, s.h, s.w, s.c, 0, 0, 0, 0};
    out = {s.n, s.p(), s.q(), s.k, 0, 0, 0, 0};
    if (transposed) std::swap(in, out);
    const std::int64_t extent = transposed ? 4 * stride : 4;
    in.across = out.across = ceil_div(out.w, extent);
    in.down = out.down = ceil_div(out.h, extent);
    tiles = s.n * in.across * in.down;
    const std::int64_t at_once = std::min(tiles, tiles_at_once(std::max(in.c, out.c)));
    slots = std::is_same_v<Stream, CpuStream> && !shared
                ? int(std::min<std::int64_t>(cpu_threads(), ceil_div(tiles, at_once)))
                : 1;
    blocks = ceil_div(tiles, at_once);
    v = {at_once, round_up(in.c, P), P};
    m = {at_once, round_up(out.c, P), P};
    u = {v.channels, m.channels, P};
    if (split) v.channels = m.channels = std::max(v.channels, m.channels);  // one tensor is both
  }

  // The tiles of a block; results do not depend on it. A thread's own block fits into its cache beside the
  // filters.
  std::int64_t tiles_at_once(std::int64_t channels) const {
    constexpr std::int64_t of_shared = std::int64_t(1) << 23;  // elements
    if (!std::is_same_v<Stream, CpuStream>) return 4096;
    if (shared) return std::max<std::int64_t>(of_shared / (stride == 1 ? 36 : 81) / channels, 64);
    if (split) return std::clamp<std::int64_t>(channels, 64, 256) / stride;
    return std::clamp<std::int64_t>(round_up(channels / 4, 16), 16, 64) / stride;
  }

  int product_threads() const { return shared ? cpu_threads() : 1; }
  std::size_t slot_bytes() const {
    if (split)
      return domain_bytes<D>(elements(v, stride)) +
             std::size_t(product_threads()) * amx::product_scratch_bytes(split, u);
    return domain_bytes<D>(elements(v, stride) + elements(m, stride));
  }
  std::size_t bytes() const {
    return domain_bytes<D>(u.elements(), split) + std::size_t(slots) * slot_bytes();
  }

  void run(Stream stream, const ConvolutionShape& s, const T* image, const D* filter, T* result,
           bool accumulate, void* workspace) const {
    std::byte* scratch = static_cast<std::byte*>(workspace) + domain_bytes<D>(u.elements(), split);
    filter_to_domain(stream, s, filter, workspace);
    const auto each = [&](std::int64_t block, int slot) {
      D* domain_v = reinterpret_cast<D*>(scratch + std::size_t(slot) * slot_bytes());
      D* domain_m = split ? domain_v : domain_v + elements(v, stride);
      WinogradTiles from = in, to = out;
      from.first = to.first = block * v.tiles;
      from.count = to.count = std::min(v.tiles, tiles - from.first);
      winograd_image(stream, stride, kind, from, image, v, domain_v);
      product(stream, from.count, domain_v, workspace, domain_m);
      winograd_output(stream, stride, kind, to, m, domain_m, result, accumulate);
    };
    if (!shared) return for_each_block(stream, blocks, slots, each);
    for (std::int64_t block = 0; block < blocks; ++block) each(block, 0);
  }

  void filter_to_domain(Stream stream, const ConvolutionShape& s, const D* filter, void* domain) const {
    const bool transposed = kind != WinogradImage::input;
    if constexpr (amx_is_possible<Stream, D>)
      if (split)
        return winograd_filter_parts(split, stream, stride, transposed, s.k, s.c, filter, u,
                                     static_cast<std::uint16_t*>(domain));
    winograd_filter(stream, stride, transposed, s.k, s.c, filter, u, static_cast<D*>(domain));
  }

  void product(Stream stream, std::int64_t count, const D* domain_v, const void* domain_u,
               D* domain_m) const {
    if constexpr (amx_is_possible<Stream, D>)
      if (split) {
        auto* const scratch = reinterpret_cast<std::byte*>(domain_m + elements(m, stride));
        const auto point = [&](std::int64_t i, int slot) {
          amx::product(split, stride, int(i), count, m, domain_m, u,
                       static_cast<const std::uint16_t*>(domain_u),
                       scratch + std::size_t(slot) * amx::product_scratch_bytes(split, u));
        };
        return for_each_block(stream, 36, product_threads(), point);
      }
    winograd_product(stream, stride, count, v, domain_v, u, static_cast<const D*>(domain_u), m, domain_m);
  }
};

// Weight gradient. The tiles are divided into parts, and each part into blocks, which are summed in order.
// Neither depends on the number of threads.
template <class Stream, class T>
struct WeightGradient {
  using D = acc_t<T>;  // of the domain
  int stride, split;
  WinogradTiles x, dy;
  std::int64_t tiles, in_part;  // tiles
  int parts, slots;
  WinogradDomain v, w;
  WinogradFilter u;

  // With few channels AMX has no gain: each operand is split, and one of them transposed, for few products.
  explicit WeightGradient(const ConvolutionShape& s)
      : stride(int(s.stride)), split(s.c * s.k >= 128 * 128 ? split_of<Stream, T>() : 0) {
    constexpr int P = winograd_panel<Stream, D>;
    const std::int64_t across = ceil_div(s.q(), 4), down = ceil_div(s.p(), 4);
    x = {s.n, s.h, s.w, s.c, across, down, 0, 0};
    dy = {s.n, s.p(), s.q(), s.k, across, down, 0, 0};
    tiles = s.n * across * down;
    // Few channels: the accumulators fit into a core's cache, and each part has its own. Many channels: one
    // set of accumulators, whose panels are divided among the threads.
    const bool own = std::is_same_v<Stream, CpuStream> && s.c * s.k <= 128 * 256;
    std::int64_t at_once =
        std::is_same_v<Stream, CpuStream> ? (own ? (split ? 64 : 32) : 128) / (split ? 1 : stride) : 4096;
    at_once = std::min(at_once, tiles);
    parts = own ? int(std::min<std::int64_t>(8, ceil_div(tiles, at_once))) : 1;
    in_part = round_up(ceil_div(tiles, parts), at_once);
    parts = int(ceil_div(tiles, in_part));
    slots = own ? std::min(cpu_threads(), parts) : 1;
    v = {at_once, round_up(s.c, P), P};
    w = {at_once, round_up(s.k, P), P};
    u = {w.channels, v.channels, P};
  }

  std::size_t slot_bytes() const { return domain_bytes<D>(elements(v, stride) + elements(w, stride)); }
  int product_slots() const { return parts > 1 ? slots : cpu_threads(); }
  std::size_t bytes() const {
    return domain_bytes<D>(parts * u.elements()) + std::size_t(slots) * slot_bytes() +
           (split ? std::size_t(product_slots()) * amx::gradient_scratch_bytes(split) : 0);
  }

  void run(Stream stream, const ConvolutionShape& s, const T* image, const T* gradient, D* d_filter,
           bool accumulate, void* workspace) const {
    D* domain_u = static_cast<D*>(workspace);
    std::byte* scratch = static_cast<std::byte*>(workspace) + domain_bytes<D>(parts * u.elements());
    std::byte* product_scratch = scratch + std::size_t(slots) * slot_bytes();
    const auto part = [&](std::int64_t i, int slot) {
      const std::int64_t begin = i * in_part, end = std::min(tiles, begin + in_part);
      D* domain_v = reinterpret_cast<D*>(scratch + std::size_t(slot) * slot_bytes());
      D* domain_w = domain_v + elements(v, stride);
      for (std::int64_t first = begin; first < end; first += v.tiles) {
        WinogradTiles of_x = x, of_dy = dy;
        of_x.first = of_dy.first = first;
        of_x.count = of_dy.count = std::min(v.tiles, end - first);
        winograd_image(stream, stride, WinogradImage::input, of_x, image, v, domain_v);
        winograd_image(stream, stride, WinogradImage::gradient, of_dy, gradient, w, domain_w);
        product(stream, of_x.count, domain_w, domain_v, domain_u + i * u.elements(), first > begin, slot,
                product_scratch);
      }
    };
    if (parts == 1)
      part(0, 0);  // outside a parallel region, so each launch is parallel
    else
      for_each_block(stream, parts, slots, part);
    winograd_filter_gradient(stream, stride, s.k, s.c, parts, u, domain_u, d_filter, accumulate);
  }

  void product(Stream stream, std::int64_t count, const D* domain_w, const D* domain_v, D* domain_u,
               bool accumulate, [[maybe_unused]] int slot, [[maybe_unused]] std::byte* scratch) const {
    if constexpr (amx_is_possible<Stream, D>)
      if (split) {
        const auto piece = [&](std::int64_t i, int of) {
          amx::gradient_product(split, stride, i, count, w, domain_w, v, domain_v, u, domain_u, accumulate,
                                scratch + std::size_t(of) * amx::gradient_scratch_bytes(split));
        };
        const std::int64_t pieces = amx::gradient_pieces(u);
        if (parts == 1) return for_each_block(stream, pieces, product_slots(), piece);
        for (std::int64_t i = 0; i < pieces; ++i) piece(i, slot);
        return;
      }
    winograd_gradient_product(stream, stride, count, w, domain_w, v, domain_v, u, domain_u, accumulate);
  }
};

bool winograd_can(const ConvolutionShape& s, Pass) {
  return s.r == 3 && s.s == 3 && s.padding == 1 && (s.stride == 1 || s.stride == 2);
}

// Winograd pays where the products outweigh the transforms, and where the 4x4 tiles of outputs (8x8 of dx at
// stride 2) do not hang over the edge too far: on the CPU device, in f32, and in bf16 unless AMX multiplies
// many times as fast.
template <class Stream, class T>
bool winograd_pays(const ConvolutionShape& s, Pass pass) {
  if (!std::is_same_v<Stream, CpuStream> || std::is_same_v<T, double>) return false;
  if (!winograd_can(s, pass) || s.c < 16 || s.k < 16) return false;
  if (std::is_same_v<T, bf16> && cpu_has_amx())
    return pass == Pass::backward_weights && s.stride == 1 && !direct_pays_with_amx(s, pass);
  const std::int64_t covered = (s.p() + 3) / 4 * 4 * ((s.q() + 3) / 4 * 4), outputs = s.p() * s.q();
  return covered * (s.stride == 1 ? 10 : 16) <= outputs * 20;
}

template <class Stream, class T>
const char* winograd_name(const ConvolutionShape& s, Pass pass) {
  const int split =
      pass == Pass::backward_weights ? WeightGradient<Stream, T>(s).split : split_of<Stream, T>();
  if (s.stride == 1) return split ? "winograd 4x4,3x3 by amx" : "winograd 4x4,3x3";
  return split ? "winograd 4x4,3x3/2 by amx" : "winograd 4x4,3x3/2";
}

template <class Stream, class T>
void winograd_forward(Stream stream, const ConvolutionShape& s, const T* x, const acc_t<T>* filter, T* y,
                      void* workspace) {
  const OneLogEntry entry(stream, "winograd_forward", s, x, filter, y, workspace);
  Apply<Stream, T>(s, false).run(stream, s, x, filter, y, false, workspace);
}

template <class Stream, class T>
void winograd_backward_data(Stream stream, const ConvolutionShape& s, const T* dy, const acc_t<T>* filter,
                            T* dx, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "winograd_backward_data", s, dy, filter, dx, accumulate, workspace);
  Apply<Stream, T>(s, true).run(stream, s, dy, filter, dx, accumulate, workspace);
}

template <class Stream, class T>
void winograd_backward_weights(Stream stream, const ConvolutionShape& s, const T* x, const T* dy,
                               acc_t<T>* d_filter, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "winograd_backward_weights", s, x, dy, d_filter, accumulate, workspace);
  WeightGradient<Stream, T>(s).run(stream, s, x, dy, d_filter, accumulate, workspace);
}

template <class Stream, class T>
std::size_t winograd_workspace_bytes(const ConvolutionShape& s, Pass pass) {
  if (pass == Pass::backward_weights) return WeightGradient<Stream, T>(s).bytes();
  return Apply<Stream, T>(s, pass == Pass::backward_data).bytes();
}

}  // namespace

template <class Stream, class T>
ConvolutionBackend<Stream, T> winograd_convolution() {
  return {Algorithm::winograd,
          winograd_can,
          winograd_pays<Stream, T>,
          winograd_name<Stream, T>,
          winograd_workspace_bytes<Stream, T>,
          winograd_forward<Stream, T>,
          winograd_backward_data<Stream, T>,
          winograd_backward_weights<Stream, T>};
}

#define INSTANTIATE_WINOGRADS(S)                                 \
  template ConvolutionBackend<S, float> winograd_convolution();  \
  template ConvolutionBackend<S, double> winograd_convolution(); \
  template ConvolutionBackend<S, bf16> winograd_convolution();

INSTANTIATE_WINOGRADS(SimtStream)
#ifndef DYAD_SIMT_ONLY
INSTANTIATE_WINOGRADS(CpuStream)
#endif
#ifdef DYAD_CUDA
INSTANTIATE_WINOGRADS(CudaStream)
#endif

}  // namespace kernels
