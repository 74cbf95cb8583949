#include "engine/check/non_finite.h"

#include <cmath>

namespace engine {

std::optional<NonFinite> find_non_finite(const Tensor& t) {
  const bool floating = t.dtype() == DType::f32 || t.dtype() == DType::f64 || t.dtype() == DType::bf16;
  if (!floating || t.numel() == 0) return std::nullopt;
  const std::vector<double> values = t.to_vector();
  std::optional<NonFinite> found;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    if (!found) found = NonFinite{0, i, values[i]};
    ++found->count;
  }
  return found;
}

}  // namespace engine
