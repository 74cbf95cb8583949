#ifdef DYAD_ONEDNN
// Convolution by oneDNN's direct primitives, on the CPU device in f32 and bf16.
#include <algorithm>
#include <type_traits>

#include "kernels/base/parallel_blocks.h"
#include "kernels/base/rounding.h"
#include "kernels/convolution/amx.h"
#include "kernels/convolution/convolution_backend.h"
#include "kernels/kernels.h"
#include "kernels/vendor/onednn.h"

namespace kernels {
namespace {

using onednn::Convolution;

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// The images of a convolution in parts of equal size, but for a smaller last one. One thread runs each part.
// The parts depend on the shape only.
struct Parts {
  std::int64_t count;
  int slots;
  ConvolutionShape large, last;

  Parts(const ConvolutionShape& s, std::int64_t most) : large(s), last(s) {
    large.n = ceil_div(s.n, std::clamp<std::int64_t>(s.n, 1, most));
    count = large.n == 0 ? 0 : ceil_div(s.n, large.n);
    last.n = s.n - std::max<std::int64_t>(0, count - 1) * large.n;
    slots = int(std::clamp<std::int64_t>(count, 1, cpu_threads()));
  }
  const ConvolutionShape& part(std::int64_t i) const { return i + 1 == count ? last : large; }
};

// The primitives of the parts. Made for one thread each.
template <class T>
struct Primitives {
  const Convolution &large, &last;

  Primitives(const Parts& parts, Pass pass, const OneCpuThread& = {})
      : large(Convolution::get<T>(parts.large, pass)), last(Convolution::get<T>(parts.last, pass)) {}
  std::size_t scratch_bytes() const { return std::max(large.scratch_bytes(), last.scratch_bytes()); }
  std::size_t filter_bytes() const { return std::max(large.filter_bytes(), last.filter_bytes()); }
};

// Of the forward pass and the data gradient. Their workspace: a filter for each primitive, then the scratch
// memory of each slot.
template <class T>
struct OnednnApply {
  const Parts parts;
  const Primitives<T> primitives;

  OnednnApply(const ConvolutionShape& s, Pass pass) : parts(s, 32), primitives(parts, pass) {}
  std::size_t bytes() const {
    return 2 * primitives.filter_bytes() + std::size_t(parts.slots) * primitives.scratch_bytes();
  }

  // from, to: elements of an image
  void run(CpuStream stream, const T* in, std::int64_t from, const float* filter, T* out, std::int64_t to,
           void* workspace) const {
    char* filters[2] = {static_cast<char*>(workspace),
                        static_cast<char*>(workspace) + primitives.filter_bytes()};
    char* scratch = filters[1] + primitives.filter_bytes();
    const bool one_size = &primitives.large == &primitives.last;
    for_each_block(stream, one_size ? 1 : 2, 1, [&](std::int64_t i, int) {
      (i == 0 ? primitives.large : primitives.last).reorder_filter(filter, filters[i]);
    });
    for_each_block(stream, parts.count, parts.slots, [&](std::int64_t i, int slot) {
      const bool last = !one_size && i + 1 == parts.count;
      (last ? primitives.last : primitives.large)
          .run(in + i * parts.large.n * from, filters[last], out + i * parts.large.n * to,
               scratch + std::size_t(slot) * primitives.scratch_bytes());
    });
  }
};

// Of the weight gradient, whose parts each sum their images; the sums are added in order. Its workspace: the
// sums, then a filter and the scratch memory of each slot.
template <class T>
struct OnednnWeightGradient {
  const std::int64_t filter_size;
  const Parts parts;
  const Primitives<T> primitives;

  explicit OnednnWeightGradient(const ConvolutionShape& s)
      : filter_size(s.k * s.r * s.s * s.c),
        parts(s, std::max(std::min<int>(2, int(s.n)), gradient_parts(s.n, filter_size))),
        primitives(parts, Pass::backward_weights) {}
  std::size_t sums_bytes() const { return aligned(std::size_t(parts.count * filter_size) * sizeof(float)); }
  std::size_t slot_bytes() const { return primitives.filter_bytes() + primitives.scratch_bytes(); }
  std::size_t bytes() const { return sums_bytes() + std::size_t(parts.slots) * slot_bytes(); }
};

template <class T>  // "jit:avx512_core", ...
const char* onednn_implementation(const ConvolutionShape& s, Pass pass) {
  if (pass == Pass::backward_weights) return OnednnWeightGradient<T>(s).primitives.large.implementation();
  return OnednnApply<T>(s, pass).primitives.large.implementation();
}

// Whether oneDNN has optimized code for this convolution (not its reference loops).
template <class T>
bool onednn_can(const ConvolutionShape& s, Pass pass) {
  if (std::is_same_v<T, bf16> && !onednn::has_bf16()) return false;
  const char* name = onednn_implementation<T>(s, pass);
  return !(name[0] == 'r' && name[1] == 'e' && name[2] == 'f');
}

template <class T>
bool onednn_pays(const ConvolutionShape& s, Pass pass) {
  if (std::is_same_v<T, bf16> && cpu_has_amx() && !direct_pays_with_amx(s, pass)) return false;
  return onednn_can<T>(s, pass);
}

template <class T>
void onednn_forward(CpuStream stream, const ConvolutionShape& s, const T* x, const float* filter, T* y,
                    void* workspace) {
  const OneLogEntry entry(stream, "onednn_forward", s, x, filter, y, workspace);
  OnednnApply<T>(s, Pass::forward).run(stream, x, s.h * s.w * s.c, filter, y, s.p() * s.q() * s.k, workspace);
}

// oneDNN overwrites dx, so a data gradient that accumulates is computed in separate memory and then added.
template <class T>
void onednn_backward_data(CpuStream stream, const ConvolutionShape& s, const T* dy, const float* filter,
                          T* dx, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "onednn_backward_data", s, dy, filter, dx, accumulate, workspace);
  const OnednnApply<T> pass(s, Pass::backward_data);
  T* image = accumulate ? reinterpret_cast<T*>(static_cast<char*>(workspace) + pass.bytes()) : dx;
  pass.run(stream, dy, s.p() * s.q() * s.k, filter, image, s.h * s.w * s.c, workspace);
  if (accumulate) add(stream, s.n * s.h * s.w * s.c, dx, image, dx);
}

template <class T>
void onednn_backward_weights(CpuStream stream, const ConvolutionShape& s, const T* x, const T* dy,
                             float* d_filter, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "onednn_backward_weights", s, x, dy, d_filter, accumulate, workspace);
  const OnednnWeightGradient<T> pass(s);
  auto* sums = static_cast<float*>(workspace);
  char* slots = static_cast<char*>(workspace) + pass.sums_bytes();
  for_each_block(stream, pass.parts.count, pass.parts.slots, [&](std::int64_t i, int slot) {
    const std::int64_t first = i * pass.parts.large.n;
    char* reordered = slots + std::size_t(slot) * pass.slot_bytes();
    (i + 1 == pass.parts.count ? pass.primitives.last : pass.primitives.large)
        .run_weights(x + first * s.h * s.w * s.c, dy + first * s.p() * s.q() * s.k,
                     sums + i * pass.filter_size, reordered, reordered + pass.primitives.filter_bytes());
  });
  column_sum(stream, pass.parts.count, pass.filter_size, sums, d_filter, accumulate);
}

template <class T>
std::size_t onednn_workspace_bytes(const ConvolutionShape& s, Pass pass) {
  if (pass == Pass::backward_weights) return OnednnWeightGradient<T>(s).bytes();
  const std::size_t image = pass == Pass::backward_data ? std::size_t(s.n * s.h * s.w * s.c) * sizeof(T) : 0;
  return OnednnApply<T>(s, pass).bytes() + image;
}

}  // namespace

template <class T>
ConvolutionBackend<CpuStream, T> onednn_convolution() {
  return {Algorithm::onednn,         onednn_can<T>,     onednn_pays<T>,          onednn_implementation<T>,
          onednn_workspace_bytes<T>, onednn_forward<T>, onednn_backward_data<T>, onednn_backward_weights<T>};
}
template ConvolutionBackend<CpuStream, float> onednn_convolution();
template ConvolutionBackend<CpuStream, bf16> onednn_convolution();

}  // namespace kernels
#endif
