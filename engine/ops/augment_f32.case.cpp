// Views by TensorFlow's rules. The reference consists of plain loops in f64 over whole images, written as
// TensorFlow's kernels are: colors go through HSV and back.
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

struct RealPicture {
  int size;
  std::vector<double> v;
  explicit RealPicture(int size) : size(size), v(std::size_t(size) * size * 3) {}
  double& at(int y, int x, int c) { return v[(std::size_t(y) * size + x) * 3 + c]; }
};

RealPicture real_filled(int size, const std::function<double(int, int, int)>& f) {
  RealPicture y(size);
  for (int row = 0; row < size; ++row)
    for (int x = 0; x < size; ++x)
      for (int c = 0; c < 3; ++c) y.at(row, x, c) = f(row, x, c);
  return y;
}

// Keys' cubic with a = -0.5, or the triangle.
double keys(double x, bool cubic) {
  x = std::abs(x);
  if (!cubic) return std::max(0.0, 1 - x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

// The weight of each input in one output. Bicubic weights are TensorFlow's at whole 1024ths of a pixel.
std::vector<double> real_weights(int out, int in, int size, bool cubic) {
  const double scale = double(float(in) / float(size));
  double at = double((float(out) + 0.5f) * float(scale) - 0.5f);
  if (cubic)
    at = std::floor(at) + std::nearbyint((at - std::floor(at)) * 1024) / 1024;
  else
    at = std::clamp(at, 0.0, double(in - 1));
  std::vector<double> w(std::size_t(in), 0.0);
  double sum = 0;
  for (int j = 0; j < in; ++j) sum += w[std::size_t(j)] = keys(j - at, cubic);
  for (double& each : w) each /= sum;
  return w;
}

RealPicture real_crop(const std::uint8_t* source, const View& v, int size) {
  return real_filled(size, [&](int y, int column, int c) {
    const int x = v.flip ? size - 1 - column : column;
    const auto wx = real_weights(x, v.crop_width, size, v.bicubic),
               wy = real_weights(y, v.crop_height, size, v.bicubic);
    double sum = 0;
    for (int j = 0; j < v.crop_height; ++j)
      for (int i = 0; i < v.crop_width; ++i)
        sum += wy[std::size_t(j)] * wx[std::size_t(i)] *
               source[((v.top + j) * v.width + v.left + i) * 3 + c] / 255.0;
    return sum;
  });
}

RealPicture real_rotated(RealPicture p, float degrees) {
  return real_filled(p.size, [&](int row, int column, int c) {
    return rotated_value(p.size, degrees, row, column, [&](int i, int j) { return p.at(i, j, c); });
  });
}

// tf.image.rgb_to_hsv, `change` of (h, s, v) with h in turns, and back.
void through_hsv(double* rgb, const std::function<void(double&, double&)>& change) {
  const double v = std::max({rgb[0], rgb[1], rgb[2]}), range = v - std::min({rgb[0], rgb[1], rgb[2]});
  double s = v > 0 ? range / v : 0, h = 0;
  if (range > 0)
    h = (v == rgb[0]   ? (rgb[1] - rgb[2]) / range
         : v == rgb[1] ? 2 + (rgb[2] - rgb[0]) / range
                       : 4 + (rgb[0] - rgb[1]) / range) /
        6;
  change(h, s);
  h = (h - std::floor(h)) * 6;
  const double chroma = s * v, x = chroma * (1 - std::abs(std::fmod(h, 2) - 1)), least = v - chroma;
  const double table[6][3] = {{chroma, x, 0}, {x, chroma, 0}, {0, chroma, x},
                              {0, x, chroma}, {x, 0, chroma}, {chroma, 0, x}};
  for (int c = 0; c < 3; ++c) rgb[c] = table[int(h) % 6][c] + least;
}

void real_jitter(RealPicture& p, Jitter op, double factor) {
  const std::size_t pixels = p.v.size() / 3;
  for (std::size_t i = 0; i < pixels; ++i) {
    double* rgb = &p.v[3 * i];
    if (op == Jitter::brightness)
      for (int c = 0; c < 3; ++c) rgb[c] *= factor;
    if (op == Jitter::saturation)
      through_hsv(rgb, [=](double&, double& s) { s = std::clamp(s * factor, 0.0, 1.0); });
    if (op == Jitter::hue) through_hsv(rgb, [=](double& h, double&) { h += factor; });
  }
  for (std::size_t c = 0; op == Jitter::contrast && c < 3; ++c) {
    double mean = 0;
    for (std::size_t i = 0; i < pixels; ++i) mean += p.v[3 * i + c] / double(pixels);
    for (std::size_t i = 0; i < pixels; ++i) p.v[3 * i + c] = (p.v[3 * i + c] - mean) * factor + mean;
  }
  if (op != Jitter::none)
    for (double& each : p.v) each = std::clamp(each, 0.0, 1.0);
}

RealPicture real_blurred(RealPicture p, int kernel, double sigma) {
  const int n = p.size, half = kernel / 2;
  double sum = 0;
  const auto weight = [=](int d) { return std::exp(-0.5 * d * d / (sigma * sigma)); };
  for (int d = -half; d <= half; ++d) sum += weight(d);
  return real_filled(n, [&](int row, int x, int c) {
    double value = 0;
    for (int i = -half; i <= half; ++i)
      for (int j = -half; j <= half; ++j)
        if (row + i >= 0 && row + i < n && x + j >= 0 && x + j < n)
          value += weight(i) * weight(j) / (sum * sum) * p.at(row + i, x + j, c);
    return value;
  });
}

Tensors tensorflow_reference(const Tensors& in) {
  const std::int64_t n = in[0].dim(0);
  const int size = int(in[0].dim(1));
  Tensor y({n, size, size, 3}, DType::f64, cpu);
  for (std::int64_t k = 0; k < n; ++k) {
    const View v = view_at(in, k);
    RealPicture p = real_crop(in[1].data<std::uint8_t>() + v.offset, v, size);
    if (v.angle != 0) p = real_rotated(p, v.angle);
    for (int i = 0; i < 4; ++i) real_jitter(p, v.jitter[i], double(v.factor[i]));
    for (std::size_t i = 0; v.grayscale && i < p.v.size(); i += 3)
      p.v[i] = p.v[i + 1] = p.v[i + 2] = 0.2989 * p.v[i] + 0.587 * p.v[i + 1] + 0.114 * p.v[i + 2];
    for (double& each : p.v) each = std::clamp(each, 0.0, 1.0);
    if (v.blur_sigma > 0) p = real_blurred(p, v.blur_kernel, double(v.blur_sigma));
    for (std::size_t i = 0; i < p.v.size(); ++i) {
      const double level = p.v[i] >= v.solarize / 255.0 ? 1 - p.v[i] : p.v[i];
      y.data<double>()[std::size_t(k) * p.v.size() + i] =
          (level - view_normalization.mean[i % 3]) / view_normalization.std[i % 3];
    }
  }
  return {y};
}

// 266 views are more than one launch has blocks.
const AddCase augment_f32_case{{
    .name = "augment/tensorflow",
    .inputs =
        [](const Shape& s, Random& random) {
          // not solarized: a value near the threshold may be inverted in f32 and not in f64
          return view_inputs(s, random, 256);
        },
    .apply =
        [](const Tensors& in) {
          return Tensors{augment(in[1], in[2], int(in[0].dim(1)), view_normalization, in[0].dtype(),
                                 kernels::ViewRules::tensorflow)};
        },
    .check = {{1, 1, 1, 1}, {4, 5, 3, 9}, {3, 12, 31, 7}, {1, 33, 20, 40}, {266, 2, 3, 3}},
    .bench = {{512, 32, 32, 32}, {64, 224, 256, 340}},
    .reference = tensorflow_reference,
    // of values that reach -2.1 to 2.6: f32 and f64 may take neighbouring steps of 1/1024 of a pixel
    .reference_tolerance = 0.02,
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
