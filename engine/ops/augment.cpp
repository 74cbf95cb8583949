#include "engine/ops.h"
#include "kernels/kernels.h"

namespace engine {

Tensor augment(const Tensor& pixels, const Tensor& views, int size,
               const kernels::Normalization& normalization, DType dtype, kernels::ViewRules rules) {
  using kernels::View;
  require(pixels.dtype() == DType::u8, "augment: pixels are ", pixels.dtype(), ", expected u8");
  require(views.dtype() == DType::u8 && views.shape().rank() == 2 && views.dim(1) == sizeof(View),
          "augment: views are ", views.dtype(), ' ', views.shape(), ", expected u8 (n,", sizeof(View), ")");
  require(views.device() == pixels.device(), "augment: views on ", views.device(), ", pixels on ",
          pixels.device());
  const std::int64_t n = views.dim(0);
  const View* view = reinterpret_cast<const View*>(views.data<std::uint8_t>());
  if (pixels.device().backend == Backend::cpu)
    for (std::int64_t i = 0; i < n; ++i)
      if (const char* wrong = kernels::fault(view[i], pixels.numel(), size))
        require(false, "augment: view ", i, " has ", wrong);

  Tensor y({n, size, size, 3}, dtype, pixels.device());
  dispatch("augment", y, [&](auto stream, auto zero) {
    using T = decltype(zero);
    if (rules == kernels::ViewRules::tensorflow) {
      const Tensor work({kernels::augment_f32_blocks(n) * 6 * size * size}, DType::f32, y.device());
      return kernels::augment_f32(stream, n, size, pixels.data<std::uint8_t>(), view, normalization,
                                  work.data<float>(), y.data<T>());
    }
    kernels::augment(stream, n, size, pixels.data<std::uint8_t>(), view, normalization, y.data<T>());
  });
  return y;
}

}  // namespace engine
