#include "data/pack/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/error.h"

namespace data {

namespace {

constexpr int fraction_bits = 22;  // of the fixed-point weights

// The inputs of each output of an axis: `taps` weights from `first` on, which sum to about 2^fraction_bits.
struct ResizeAxis {
  struct Output {
    int first, taps;
  };
  std::vector<Output> outputs;
  std::vector<std::int32_t> weights;  // most_taps of each output
  int most_taps;

  ResizeAxis(int in, int out) {
    const double scale = double(in) / out, support = std::max(scale, 1.0);
    most_taps = int(std::ceil(support)) * 2 + 1;
    std::vector<double> raw;
    for (int i = 0; i < out; ++i) {
      const double center = (i + 0.5) * scale;
      const int first = std::max(0, int(std::floor(center - support + 0.5)));
      const int end = std::min(in, int(std::floor(center + support + 0.5)));
      double sum = 0;
      raw.clear();
      for (int j = first; j < end; ++j) {
        raw.push_back(std::max(0.0, 1 - std::abs((j - center + 0.5) / support)));
        sum += raw.back();
      }
      raw.resize(std::size_t(most_taps), 0.0);
      for (const double w : raw)
        weights.push_back(std::int32_t(std::floor(w / sum * (1 << fraction_bits) + 0.5)));
      outputs.push_back({first, end - first});
    }
  }
  const std::int32_t* weights_of(std::size_t i) const { return weights.data() + i * std::size_t(most_taps); }
};

std::uint8_t rounded_level(std::int32_t sum) {
  return std::uint8_t(std::clamp(sum >> fraction_bits, 0, 255));
}

constexpr std::int32_t half_level = 1 << (fraction_bits - 1);

}  // namespace

void shrink_to_shorter_side(Image& image, int side) {
  engine::require(side >= 1, "resize: a shorter side of ", side, " pixels, expected at least 1");
  const int shorter = std::min(image.height, image.width);
  if (shorter <= side) return;
  const auto length = [&](int old) {
    return old == shorter ? side : int(std::int64_t(side) * old / shorter);
  };
  const int height = length(image.height), width = length(image.width);
  const ResizeAxis across(image.width, width), down(image.height, height);

  std::vector<std::uint8_t> rows(std::size_t(image.height) * std::size_t(width) * 3);
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto [first, taps] = across.outputs[std::size_t(x)];
      const std::int32_t* w = across.weights_of(std::size_t(x));
      const std::uint8_t* p =
          image.pixels.data() + (std::size_t(y) * std::size_t(image.width) + std::size_t(first)) * 3;
      std::int32_t r = half_level, g = half_level, b = half_level;
      for (int t = 0; t < taps; ++t, p += 3) r += w[t] * p[0], g += w[t] * p[1], b += w[t] * p[2];
      std::uint8_t* q = rows.data() + (std::size_t(y) * std::size_t(width) + std::size_t(x)) * 3;
      q[0] = rounded_level(r), q[1] = rounded_level(g), q[2] = rounded_level(b);
    }
  const std::size_t row = std::size_t(width) * 3;
  image.pixels.resize(std::size_t(height) * row);
  std::vector<std::int32_t> sums(row);
  for (int y = 0; y < height; ++y) {
    const auto [first, taps] = down.outputs[std::size_t(y)];
    const std::int32_t* w = down.weights_of(std::size_t(y));
    std::ranges::fill(sums, half_level);
    for (int t = 0; t < taps; ++t) {
      const std::uint8_t* p = rows.data() + std::size_t(first + t) * row;
      for (std::size_t x = 0; x < row; ++x) sums[x] += w[t] * p[x];
    }
    std::ranges::transform(sums, image.pixels.data() + std::size_t(y) * row, rounded_level);
  }
  image.height = height;
  image.width = width;
}

}  // namespace data
