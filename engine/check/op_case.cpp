#include "engine/check/op_case.h"

#include <cmath>
#include <numeric>

namespace engine {

std::vector<OpCase>& OpCase::all() {
  static std::vector<OpCase> cases;
  return cases;
}

Tensor uniform(const Shape& shape, Random& random, double low, double high) {
  Tensor t(shape, DType::f64, cpu);
  for (std::int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = random.uniform(low, high);
  return t;
}

Tensor away_from(double kink, const Shape& shape, Random& random, double gap) {
  Tensor t = uniform(shape, random);
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    double& x = t.data<double>()[i];
    if (std::abs(x - kink) < gap) x = kink + (x < kink ? -2 * gap : 2 * gap);
  }
  return t;
}

Tensor distinct(const Shape& shape, Random& random) {
  const auto n = std::uint32_t(shape.numel());
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  shuffle(order, random);
  Tensor t(shape, DType::f64, cpu);
  for (std::uint32_t i = 0; i < n; ++i) t.data<double>()[i] = 2.0 * order[i] / n - 1;
  return t;
}

}  // namespace engine
