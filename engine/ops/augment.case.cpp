// Shape of a card: (views, size, height and width of the sources). Every view applies every op. The reference
// consists of plain loops over whole images, one op after the other, in torchvision's order.
#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "engine/check/op_case.h"
#include "engine/ops.h"
#include "engine/ops/augment_inputs.case.h"

namespace engine {
namespace {

using kernels::Jitter;
using kernels::View;

struct Picture {
  int height, width;
  std::vector<std::uint8_t> v;
  Picture(int height, int width) : height(height), width(width), v(std::size_t(height) * width * 3) {}
  std::uint8_t& at(int y, int x, int c) { return v[(std::size_t(y) * width + x) * 3 + c]; }
};

std::uint8_t cut(float x) { return std::uint8_t(std::clamp(x, 0.0f, 255.0f)); }
std::uint8_t round_even(double x) { return std::uint8_t(std::nearbyint(std::clamp(x, 0.0, 255.0))); }

double filter(double x, bool cubic, bool antialias) {
  x = std::abs(x);
  if (!cubic) return std::max(0.0, 1 - x);
  const double a = antialias ? -0.5 : -0.75;
  if (x >= 2) return 0;
  return x < 1 ? (a + 2) * x * x * x - (a + 3) * x * x + 1 : a * (x * x * x - 5 * x * x + 8 * x - 4);
}

// weights[i][j]: the weight of input j in output i, in units of 2^-bits
struct FixedPoint {
  std::vector<std::vector<int>> weights;
  int bits = 0;
};

FixedPoint fixed_point(int in, int out, bool cubic, bool antialias) {
  std::vector<std::vector<double>> exact(out, std::vector<double>(in, 0));
  const double scale = double(in) / out, widen = antialias ? std::max(1.0, scale) : 1;
  double largest = 0;
  for (int i = 0; i < out; ++i) {
    double position = scale * (i + 0.5) - 0.5, sum = 0;
    if (antialias) {
      for (int j = 0; j < in; ++j) sum += exact[i][j] = filter((j - position) / widen, cubic, true);
      for (double& w : exact[i]) w /= sum;
    } else {  // at most 4 inputs; coordinates outside are clamped to the edge
      if (!cubic) position = std::max(0.0, position);
      const int below = std::min(int(std::floor(position)), in - 1);
      const double beyond = std::clamp(position - below, 0.0, 1.0);
      for (int k = -1; k <= 2; ++k)
        exact[i][std::clamp(below + k, 0, in - 1)] += filter(k - beyond, cubic, false);
    }
    largest = std::max(largest, *std::max_element(exact[i].begin(), exact[i].end()));
  }
  FixedPoint f;
  while (f.bits < 21 && std::floor(0.5 + largest * std::exp2(f.bits + 1)) < 32768) ++f.bits;
  for (const auto& row : exact) {
    f.weights.emplace_back();
    for (double w : row) f.weights.back().push_back(int(std::round(std::ldexp(w, f.bits))));
  }
  return f;
}

Picture resized_crop(const std::uint8_t* source, const View& v, int size) {
  const FixedPoint across = fixed_point(v.crop_width, size, v.bicubic, v.antialias);
  const FixedPoint down = fixed_point(v.crop_height, size, v.bicubic, v.antialias);
  const auto rounded = [](int sum, int bits) {
    return std::uint8_t(std::clamp((sum + (bits ? 1 << (bits - 1) : 0)) >> bits, 0, 255));
  };
  Picture half(v.crop_height, size), y(size, size);
  for (int c = 0; c < 3; ++c) {
    for (int row = 0; row < half.height; ++row)
      for (int i = 0; i < size; ++i) {
        int sum = 0;
        for (int j = 0; j < v.crop_width; ++j)
          sum += across.weights[i][j] * source[((v.top + row) * v.width + v.left + j) * 3 + c];
        half.at(row, i, c) = rounded(sum, across.bits);
      }
    for (int i = 0; i < size; ++i)
      for (int x = 0; x < size; ++x) {
        int sum = 0;
        for (int j = 0; j < v.crop_height; ++j) sum += down.weights[i][j] * half.at(j, x, c);
        y.at(i, x, c) = rounded(sum, down.bits);
      }
  }
  return y;
}

// y(row, column, channel) = f(row, column, channel) for every value
Picture filled(int size, const std::function<std::uint8_t(int, int, int)>& f) {
  Picture y(size, size);
  for (int row = 0; row < size; ++row)
    for (int x = 0; x < size; ++x)
      for (int c = 0; c < 3; ++c) y.at(row, x, c) = f(row, x, c);
  return y;
}

Picture rotated(Picture p, float degrees) {
  return filled(p.height, [&](int row, int column, int c) {
    return round_even(
        rotated_value(p.height, degrees, row, column, [&](int i, int j) { return double(p.at(i, j, c)); }));
  });
}

// In f32 and in torch's order of operations, since the value is truncated to an integer: the last bit
// matters.
float gray(Picture& p, int row, int x) {
  return std::fma(p.at(row, x, 2), 0.114f, std::fma(p.at(row, x, 1), 0.587f, p.at(row, x, 0) * 0.2989f));
}

Picture blended(Picture p, float factor, const std::function<float(int, int)>& with) {
  return filled(p.height, [&](int row, int x, int c) {
    return cut(std::fma(with(row, x), float(1.0 - double(factor)), p.at(row, x, c) * factor));
  });
}

Picture hue_turned(Picture p, double turn) {
  Picture y(p.height, p.width);
  for (std::size_t i = 0; i < p.v.size(); i += 3) {
    const double r = p.v[i] / 255.0, g = p.v[i + 1] / 255.0, b = p.v[i + 2] / 255.0;
    const double v = std::max({r, g, b}), range = v - std::min({r, g, b});
    double h = 0;
    if (range > 0) h = v == r ? (g - b) / range : v == g ? 2 + (b - r) / range : 4 + (r - g) / range;
    h = h / 6 + turn;
    h = (h - std::floor(h)) * 6;
    const double s = v > 0 ? range / v : 0, f = h - std::floor(h);
    const double lo = v * (1 - s), falling = v * (1 - s * f), rising = v * (1 - s * (1 - f));
    const double table[6][3] = {{v, rising, lo},  {falling, v, lo}, {lo, v, rising},
                                {lo, falling, v}, {rising, lo, v},  {v, lo, falling}};
    for (int c = 0; c < 3; ++c) y.v[i + c] = std::uint8_t(table[int(h) % 6][c] * 255.999);
  }
  return y;
}

Picture jittered(Picture p, Jitter op, float factor) {
  double mean = 0;
  switch (op) {
    case Jitter::none:
      return p;
    case Jitter::brightness:
      return blended(p, factor, [](int, int) { return 0.0f; });
    case Jitter::contrast:
      for (int row = 0; row < p.height; ++row)
        for (int x = 0; x < p.width; ++x) mean += std::floor(gray(p, row, x)) / (p.height * p.width);
      return blended(p, factor, [&](int, int) { return float(mean); });
    case Jitter::saturation:
      return blended(p, factor, [&](int row, int x) { return std::floor(gray(p, row, x)); });
    case Jitter::hue:
      return hue_turned(p, factor);
  }
  return p;
}

Picture blurred(Picture p, int kernel, double sigma) {
  const int n = p.height, half = kernel / 2;
  std::vector<double> w(kernel);
  double sum = 0;
  for (int k = 0; k < kernel; ++k) sum += w[k] = std::exp(-0.5 * std::pow((k - half) / sigma, 2));
  const auto mirror = [n](int i) { return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i; };
  return filled(n, [&](int row, int x, int c) {
    double value = 0;
    for (int i = 0; i < kernel; ++i)
      for (int j = 0; j < kernel; ++j)
        value += w[i] * w[j] / (sum * sum) * p.at(mirror(row + i - half), mirror(x + j - half), c);
    return round_even(value);
  });
}

Tensors view_reference(const Tensors& in) {
  const std::int64_t n = in[0].dim(0);
  const int size = int(in[0].dim(1));
  Tensor y({n, size, size, 3}, DType::f64, cpu);
  for (std::int64_t k = 0; k < n; ++k) {
    const View v = view_at(in, k);
    Picture p = resized_crop(in[1].data<std::uint8_t>() + v.offset, v, size);
    if (v.flip)
      p = filled(size, [q = p](int r, int x, int c) mutable { return q.at(r, q.width - 1 - x, c); });
    if (v.angle != 0) p = rotated(p, v.angle);
    for (int i = 0; i < 4; ++i) p = jittered(p, v.jitter[i], v.factor[i]);
    if (v.grayscale)
      p = filled(size, [q = p](int r, int x, int) mutable { return std::uint8_t(gray(q, r, x)); });
    if (v.blur_sigma > 0) p = blurred(p, v.blur_kernel, v.blur_sigma);
    for (std::uint8_t& x : p.v)
      if (x >= v.solarize) x = std::uint8_t(255 - x);
    for (std::size_t i = 0; i < p.v.size(); ++i)
      y.data<double>()[std::size_t(k) * p.v.size() + i] =
          (p.v[i] / 255.0 - view_normalization.mean[i % 3]) / view_normalization.std[i % 3];
  }
  return {y};
}

const AddCase augment_case{{
    .name = "augment",
    .inputs = [](const Shape& s, Random& random) { return view_inputs(s, random); },
    .apply =
        [](const Tensors& in) {
          return Tensors{augment(in[1], in[2], int(in[0].dim(1)), view_normalization, in[0].dtype())};
        },
    .check = {{1, 1, 1, 1}, {4, 5, 3, 9}, {3, 12, 31, 7}, {1, 33, 20, 40}, {1, 66, 18, 18}},
    .bench = {{512, 32, 32, 32}, {64, 224, 256, 340}},
    .reference = view_reference,
    .reference_tolerance = 0.018,  // one of 255 levels, at most 0.0175, where f32 and f64 round differently
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
