#ifdef DYAD_ONEDNN
// Convolution by oneDNN's direct primitives, on the CPU device in f32 and bf16.
#include <algorithm>
#include <type_traits>

#include "kernels/base/cpu_threads.h"
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

// The images of a convolution in parts of equal size, but for a smaller last one, and their primitives. One
// thread runs each part. The parts depend on the shape only.
template <class T>
struct Parts {
  std::int64_t images, count;
  int slots;
  const Convolution *first, *last;

  Parts(const ConvolutionShape& s, Pass pass, std::int64_t most)
      : images(ceil_div(s.n, std::clamp<std::int64_t>(s.n, 1, most))),
        count(images == 0 ? 0 : ceil_div(s.n, images)),
        slots(int(std::clamp<std::int64_t>(count, 1, cpu_threads()))) {
    ConvolutionShape part = s;
    part.n = images;
    first = &Convolution::get<T>(part, pass);
    part.n = count == 0 ? 0 : s.n - (count - 1) * images;
    last = &Convolution::get<T>(part, pass);
  }
  const Convolution& operator[](std::int64_t i) const { return i + 1 == count ? *last : *first; }
  bool of_one_size() const { return first == last; }
  std::size_t scratch_bytes() const { return std::max(first->scratch_bytes(), last->scratch_bytes()); }
  std::size_t filter_bytes() const { return std::max(first->filter_bytes(), last->filter_bytes()); }
};

// Of the forward pass and the data gradient. Their workspace: a filter for each primitive, then the scratch
// memory of each slot.
template <class T>
struct OnednnApply {
  const Parts<T> parts;

  OnednnApply(const ConvolutionShape& s, Pass pass) : parts(s, pass, 32) {}
  std::size_t bytes() const {
    return 2 * parts.filter_bytes() + std::size_t(parts.slots) * parts.scratch_bytes();
  }

  // from, to: elements of an image
  void run(CpuStream stream, const T* in, std::int64_t from, const float* filter, T* out, std::int64_t to,
           void* workspace) const {
    char* of_first = static_cast<char*>(workspace);
    char* of_last = parts.of_one_size() ? of_first : of_first + parts.filter_bytes();
    char* scratch = of_first + 2 * parts.filter_bytes();
    {
      const OneCpuThread alone;
      parts.first->reorder_filter(filter, of_first);
      if (!parts.of_one_size()) parts.last->reorder_filter(filter, of_last);
    }
    for_each_block(stream, parts.count, parts.slots, [&](std::int64_t i, int slot) {
      parts[i].run(in + i * parts.images * from, i + 1 == parts.count ? of_last : of_first,
                   out + i * parts.images * to, scratch + std::size_t(slot) * parts.scratch_bytes());
    });
  }
};

// Of the weight gradient, whose parts each sum their images; the sums are added in order. Its workspace: the
// sums, then a filter and the scratch memory of each slot.
template <class T>
struct OnednnWeightGradient {
  const std::int64_t filter_size;
  const Parts<T> parts;

  explicit OnednnWeightGradient(const ConvolutionShape& s)
      : filter_size(s.k * s.r * s.s * s.c),
        parts(s, Pass::backward_weights,
              std::max(std::min<int>(2, int(s.n)), gradient_parts(s.n, filter_size))) {}
  std::size_t sums_bytes() const { return aligned(std::size_t(parts.count * filter_size) * sizeof(float)); }
  std::size_t slot_bytes() const { return parts.filter_bytes() + parts.scratch_bytes(); }
  std::size_t bytes() const { return sums_bytes() + std::size_t(parts.slots) * slot_bytes(); }
};

template <class T>  // "jit:avx512_core", ...
const char* onednn_implementation(const ConvolutionShape& s, Pass pass) {
  if (pass == Pass::backward_weights) return OnednnWeightGradient<T>(s).parts.first->implementation();
  return OnednnApply<T>(s, pass).parts.first->implementation();
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
  const Parts<T>& parts = pass.parts;
  auto* sums = static_cast<float*>(workspace);
  char* slots = static_cast<char*>(workspace) + pass.sums_bytes();
  for_each_block(stream, parts.count, parts.slots, [&](std::int64_t i, int slot) {
    const std::int64_t image = i * parts.images;
    char* reordered = slots + std::size_t(slot) * pass.slot_bytes();
    parts[i].run_weights(x + image * s.h * s.w * s.c, dy + image * s.p() * s.q() * s.k,
                         sums + i * pass.filter_size, reordered, reordered + parts.filter_bytes());
  });
  column_sum(stream, parts.count, pass.filter_size, sums, d_filter, accumulate);
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
