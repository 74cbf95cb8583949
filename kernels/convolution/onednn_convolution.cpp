#ifdef DYAD_ONEDNN
// Convolution by oneDNN's direct primitives, on the CPU device in f32 and bf16.
#include <algorithm>

#include "kernels/convolution/convolution_backend.h"
#include "kernels/convolution/parallel_blocks.h"
#include "kernels/kernels.h"
#include "kernels/vendor/onednn.h"

namespace kernels {
namespace {

using onednn::Convolution;

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// For the weight gradient of all images at once, oneDNN would sum one piece per thread, with spinning
// barriers. So the images are divided into parts of our own, each with a primitive for one thread. There are
// at most two shapes of part.
struct Parts {
  int count, slots;
  std::int64_t filter_size;
  ConvolutionShape large, small;

  explicit Parts(const ConvolutionShape& s) : filter_size(s.k * s.r * s.s * s.c), large(s), small(s) {
    count = std::max(std::min<int>(2, int(s.n)), gradient_parts(s.n, filter_size));
    slots = std::clamp(count, 1, cpu_workers());
    large.n = (s.n + count - 1) / count;
    small.n = s.n / count;
  }
  std::int64_t first(std::int64_t n, std::int64_t i) const { return n * i / count; }
  template <class T>
  std::size_t slot_bytes() const {
    const PlanForOneThread plan;
    return aligned(std::max(Convolution::get<T>(large, Pass::backward_weights).workspace_bytes(),
                            Convolution::get<T>(small, Pass::backward_weights).workspace_bytes()));
  }
  std::size_t sums_bytes() const { return aligned(std::size_t(count * filter_size) * sizeof(float)); }
};

template <class T>  // "jit:avx512_core", ...
const char* onednn_implementation(const ConvolutionShape& s, Pass pass) {
  if (pass != Pass::backward_weights) return Convolution::get<T>(s, pass).implementation();
  const PlanForOneThread plan;
  return Convolution::get<T>(Parts(s).large, pass).implementation();
}

// Whether oneDNN has optimized code for this convolution (not its reference loops).
template <class T>
bool onednn_can(const ConvolutionShape& s, Pass pass) {
  const char* name = onednn_implementation<T>(s, pass);
  return !(name[0] == 'r' && name[1] == 'e' && name[2] == 'f');
}

template <class T>
void onednn_forward(CpuStream stream, const ConvolutionShape& s, const T* x, const float* filter, T* y,
                    void* workspace) {
  const OneLogEntry entry(stream, "onednn_forward", s, x, filter, y, workspace);
  Convolution::get<T>(s, Pass::forward).run(x, filter, y, workspace);
}

// oneDNN overwrites dx, so a data gradient that accumulates is computed in separate memory and then added.
template <class T>
void onednn_backward_data(CpuStream stream, const ConvolutionShape& s, const T* dy, const float* filter,
                          T* dx, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "onednn_backward_data", s, dy, filter, dx, accumulate, workspace);
  const auto& convolution = Convolution::get<T>(s, Pass::backward_data);
  if (!accumulate) return convolution.run(dy, filter, dx, workspace);
  T* image = reinterpret_cast<T*>(static_cast<char*>(workspace) + aligned(convolution.workspace_bytes()));
  convolution.run(dy, filter, image, workspace);
  add(stream, s.n * s.h * s.w * s.c, dx, image, dx);
}

template <class T>
void onednn_backward_weights(CpuStream stream, const ConvolutionShape& s, const T* x, const T* dy,
                             float* d_filter, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "onednn_backward_weights", s, x, dy, d_filter, accumulate, workspace);
  const Parts parts(s);
  auto* sums = static_cast<float*>(workspace);
  char* scratch = static_cast<char*>(workspace) + parts.sums_bytes();
  const std::size_t slot_bytes = parts.slot_bytes<T>();
  for_each_block(stream, parts.count, parts.slots, [&](std::int64_t i, int slot) {
    const std::int64_t first = parts.first(s.n, i);
    ConvolutionShape part = s;
    part.n = parts.first(s.n, i + 1) - first;
    const auto& convolution = Convolution::get<T>(part, Pass::backward_weights);
    convolution.run(x + first * s.h * s.w * s.c, dy + first * s.p() * s.q() * s.k,
                    sums + i * parts.filter_size, scratch + std::size_t(slot) * slot_bytes);
  });
  column_sum(stream, parts.count, parts.filter_size, sums, d_filter, accumulate);
}

template <class T>
std::size_t onednn_workspace_bytes(const ConvolutionShape& s, Pass pass) {
  if (pass == Pass::backward_weights) {
    const Parts parts(s);
    return parts.sums_bytes() + std::size_t(parts.slots) * parts.slot_bytes<T>();
  }
  const std::size_t image = pass == Pass::backward_data ? std::size_t(s.n * s.h * s.w * s.c) * sizeof(T) : 0;
  return aligned(Convolution::get<T>(s, pass).workspace_bytes()) + image;
}

}  // namespace

template <class T>
ConvolutionBackend<CpuStream, T> onednn_convolution() {
  return {Algorithm::onednn,         onednn_can<T>,     onednn_can<T>,           onednn_implementation<T>,
          onednn_workspace_bytes<T>, onednn_forward<T>, onednn_backward_data<T>, onednn_backward_weights<T>};
}
template ConvolutionBackend<CpuStream, float> onednn_convolution();
template ConvolutionBackend<CpuStream, bf16> onednn_convolution();

}  // namespace kernels
#endif
