#ifdef DYAD_CUDNN
// Convolution by cuDNN on the CUDA device, in f32 and bf16.
#include <type_traits>

#include "kernels/base/parallel_blocks.h"
#include "kernels/convolution/beside_cudnn.h"
#include "kernels/convolution/convolution_backend.h"
#include "kernels/kernels.h"
#include "kernels/vendor/cudnn.h"
#include "kernels/vendor/tf32.h"

namespace kernels {

BesideCudnn& beside_cudnn() {
  using S = CudaStream;
  static BesideCudnn kernels{
      [](S stream, std::int64_t n, const float* x, bf16* y) { cast_to_bf16(stream, n, x, y, false); },
      [](S stream, std::int64_t n, const bf16* x, float* y, bool add) { cast_to_f32(stream, n, x, y, add); },
      [](S stream, std::int64_t n, const float* x, float* y) { add(stream, n, x, y, y); },
      [](S stream, std::int64_t n, const bf16* x, bf16* y) { add(stream, n, x, y, y); }};
  return kernels;
}

namespace {

using cudnn::Type;

template <class T>
constexpr Type type_of = std::is_same_v<T, bf16> ? Type::bf16 : Type::f32;

// Channels are the second extent in cuDNN's order, and innermost in memory.
cudnn::Tensor channels_last(Type type, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return {type, {n, c, h, w}, {h * w * c, 1, w * c, c}};
}

template <class T>
cudnn::Request request(const ConvolutionShape& s, Pass pass, Type filter) {
  const Type images = type_of<T>;
  return {pass,
          channels_last(images, s.n, s.c, s.h, s.w),
          channels_last(filter, s.k, s.c, s.r, s.s),
          channels_last(images, s.n, s.k, s.p(), s.q()),
          s.stride,
          s.padding,
          images == Type::f32 && tf32_allowed()};
}

struct Found {
  const cudnn::Plan* plan;  // null: cuDNN has no engine
  Type filter;
};

// For bf16 images, the filter gradient is summed in f32 and rounded to bf16 once. On Hopper the only engine
// that writes f32 takes 14 times as long as those that write bf16 (docs/kernels/convolution.md); it is used
// only for shapes that the others do not support.
template <class T>
Found find(const ConvolutionShape& s, Pass pass) {
  const cudnn::Plan* plan = cudnn::library().plan(request<T>(s, pass, type_of<T>));
  if (plan != nullptr || pass != Pass::backward_weights || type_of<T> == Type::f32) return {plan, type_of<T>};
  return {cudnn::library().plan(request<T>(s, pass, Type::f32)), Type::f32};
}

// The size of a part of a workspace: each part begins at a multiple of 256 bytes.
std::size_t workspace_part(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

std::int64_t filter_elements(const ConvolutionShape& s) { return s.k * s.r * s.s * s.c; }
std::int64_t image_elements(const ConvolutionShape& s) { return s.n * s.h * s.w * s.c; }

template <class T>
std::size_t filter_bytes(const ConvolutionShape& s) {
  return std::is_same_v<T, bf16> ? workspace_part(std::size_t(filter_elements(s)) * sizeof(bf16)) : 0;
}

// The filter in the type of the images, T. The bf16 copy is made at the head of the workspace in each call,
// since the optimizer changes the f32 filter between steps.
template <class T>
const void* filter_of(CudaStream stream, const ConvolutionShape& s, const float* filter, void* workspace) {
  if constexpr (std::is_same_v<T, bf16>) {
    beside_cudnn().round(stream, filter_elements(s), filter, static_cast<bf16*>(workspace));
    return workspace;
  }
  return filter;
}

char* after(void* workspace, std::size_t bytes) { return static_cast<char*>(workspace) + bytes; }

// Whether cuDNN has an engine for this convolution.
template <class T>
bool cudnn_can(const ConvolutionShape& s, Pass pass) {
  if (s.n * s.c * s.k == 0) return false;  // cuDNN does not support empty tensors
  return find<T>(s, pass).plan != nullptr;
}

template <class T>  // "cudnn engine 47"
const char* cudnn_engine(const ConvolutionShape& s, Pass pass) {
  return find<T>(s, pass).plan->name();
}

template <class T>
void cudnn_forward(CudaStream stream, const ConvolutionShape& s, const T* x, const float* filter, T* y,
                   void* workspace) {
  const OneLogEntry entry(stream, "cudnn_forward", s, x, filter, y, workspace);
  const void* w = filter_of<T>(stream, s, filter, workspace);
  find<T>(s, Pass::forward).plan->run(stream, x, w, y, after(workspace, filter_bytes<T>(s)));
}

// cuDNN overwrites its output, so a gradient that accumulates is computed in separate memory and then added.
template <class T>
void cudnn_backward_data(CudaStream stream, const ConvolutionShape& s, const T* dy, const float* filter,
                         T* dx, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "cudnn_backward_data", s, dy, filter, dx, accumulate, workspace);
  const cudnn::Plan& convolution = *find<T>(s, Pass::backward_data).plan;
  const void* w = filter_of<T>(stream, s, filter, workspace);
  char* scratch = after(workspace, filter_bytes<T>(s));
  if (!accumulate) return convolution.run(stream, dy, w, dx, scratch);
  T* image = reinterpret_cast<T*>(after(scratch, workspace_part(convolution.workspace_bytes())));
  convolution.run(stream, dy, w, image, scratch);
  if constexpr (std::is_same_v<T, bf16>)
    beside_cudnn().add_bf16(stream, image_elements(s), image, dx);
  else
    beside_cudnn().add_f32(stream, image_elements(s), image, dx);
}

template <class T>
void cudnn_backward_weights(CudaStream stream, const ConvolutionShape& s, const T* x, const T* dy,
                            float* d_filter, bool accumulate, void* workspace) {
  const OneLogEntry entry(stream, "cudnn_backward_weights", s, x, dy, d_filter, accumulate, workspace);
  const Found found = find<T>(s, Pass::backward_weights);
  if (found.filter == Type::f32 && !accumulate) return found.plan->run(stream, x, dy, d_filter, workspace);
  char* gradient = after(workspace, workspace_part(found.plan->workspace_bytes()));
  found.plan->run(stream, x, dy, gradient, workspace);
  const std::int64_t n = filter_elements(s);
  if (found.filter == Type::f32)
    beside_cudnn().add_f32(stream, n, reinterpret_cast<float*>(gradient), d_filter);
  else
    beside_cudnn().widen(stream, n, reinterpret_cast<bf16*>(gradient), d_filter, accumulate);
}

template <class T>
std::size_t cudnn_workspace_bytes(const ConvolutionShape& s, Pass pass) {
  const std::size_t scratch = workspace_part(find<T>(s, pass).plan->workspace_bytes());
  if (pass == Pass::forward) return filter_bytes<T>(s) + scratch;
  if (pass == Pass::backward_data)
    return filter_bytes<T>(s) + scratch + std::size_t(image_elements(s)) * sizeof(T);
  return scratch + std::size_t(filter_elements(s)) * sizeof(float);
}

}  // namespace

template <class T>
ConvolutionBackend<CudaStream, T> cudnn_convolution() {
  return {Algorithm::cudnn,         cudnn_can<T>,     cudnn_can<T>,           cudnn_engine<T>,
          cudnn_workspace_bytes<T>, cudnn_forward<T>, cudnn_backward_data<T>, cudnn_backward_weights<T>};
}
template ConvolutionBackend<CudaStream, float> cudnn_convolution();
template ConvolutionBackend<CudaStream, bf16> cudnn_convolution();

}  // namespace kernels
#endif
