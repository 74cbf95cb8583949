#include <algorithm>
#include <cmath>

#include "engine/check/gradcheck.h"

namespace engine {
namespace {

constexpr int kDirections = 3;
constexpr std::int64_t kMostElements = std::int64_t(1) << 18;

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The leaves moved by `step` along the direction; other inputs are unchanged.
Tensors moved(const Tensors& in, const Tensors& direction, double step, Device device) {
  Tensors result;
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!in[k].node()) {
      result.push_back(in[k].to(device));
      continue;
    }
    const Tensor t = in[k].detach().clone();
    for (std::int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] += step * direction[k].data<double>()[i];
    result.push_back(leaf(t.to(device)));
  }
  return result;
}

}  // namespace

GradcheckResult gradcheck_fast(const OpCase& c, const Shape& shape, std::uint64_t seed, Device device) {
  Random random(seed, 0, 0, 0xCA4D);
  const Tensors in = c.inputs(shape, random);
  if (std::none_of(in.begin(), in.end(), [](const Tensor& t) { return t.node() != nullptr; }))
    return gradcheck(c, shape, seed, device);  // compares with its reference
  GradcheckResult result;
  for (int n = 0; n < kDirections; ++n) {
    Tensors direction;
    for (const Tensor& t : in) direction.push_back(uniform(t.shape(), random));
    const Tensors here = moved(in, direction, 0, device);
    const Tensors up = c.apply(moved(in, direction, c.step, device));
    const Tensors down = c.apply(moved(in, direction, -c.step, device));
    const std::size_t outputs = up.size();
    for (std::size_t o = 0; o < outputs; ++o) {
      const Tensor weights = uniform(up[o].shape(), random);
      for (const Tensor& t : here)
        if (t.node()) clear_gradient(t);
      const Tensor y = c.apply(here)[o];
      require(y.node() != nullptr, c.name, ": output ", o, " has no gradient");
      backward(y, weights.to(device));
      double analytic = 0;
      for (std::size_t k = 0; k < in.size(); ++k)
        if (here[k].node() && here[k].node()->written)
          analytic += dot(gradient(here[k]).to_vector(), direction[k].to_vector());
      std::vector<double> change = up[o].to_vector();
      const std::vector<double> before = down[o].to_vector(), u = weights.to_vector();
      for (std::size_t i = 0; i < change.size(); ++i) change[i] = (change[i] - before[i]) / (2 * c.step);
      const double numeric = dot(u, change), scale = std::sqrt(dot(u, u) * dot(change, change));
      const double error = std::abs(analytic - numeric) / (scale > 0 ? scale : 1);
      result.worst = std::max(result.worst, error);
      ++result.entries;
      if (result.failure || error <= c.tolerance) continue;  // false for NaN
      result.failure = GradcheckFailure{.op = c.name,
                                        .shape = shape,
                                        .output = int(o),
                                        .analytic = analytic,
                                        .numeric = numeric,
                                        .error = error,
                                        .seed = seed,
                                        .note = concat_text("sums along random direction ", n)};
    }
  }
  return result;
}

std::vector<Shape> fast_shapes(const OpCase& c) {
  if (c.bench_inputs || c.bench.empty()) return c.check;
  std::vector<Shape> shapes;
  for (const Shape& s : c.bench) {
    Shape smaller = s;
    while (smaller[0] > 1 && smaller.numel() > kMostElements) smaller = with_rows(s, smaller[0] / 2);
    shapes.push_back(smaller);
  }
  return shapes;
}

}  // namespace engine
