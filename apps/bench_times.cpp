#include "apps/bench_times.h"

#include "engine/ops.h"
#include "engine/tape.h"

namespace apps {

Ceilings measure_ceilings(engine::Device device, engine::DType dtype) {
  const engine::NoGrad no_grad;
  const engine::Tensor large = engine::full({64 << 20}, 1, engine::DType::f32, device);  // beyond every cache
  const Times copy = measure_times(device, 5, [&] { large.clone(); });
  constexpr std::int64_t n = 2048;
  const engine::Tensor a = engine::full({n, n}, 1, dtype, device);
  const engine::DType weights =
      dtype == engine::DType::bf16 ? engine::DType::f32 : dtype;  // as layers keep them
  const engine::Tensor b = engine::full({n, n}, 1, weights, device);
  const Times product = measure_times(device, 5, [&] { engine::linear(a, b); });
  return {2. * double(large.bytes()) / copy.p5 / 1e9,
          2. * double(n) * double(n) * double(n) / product.p5 / 1e9};
}

}  // namespace apps
