#include "data/decode/shrink.h"

#include <algorithm>

namespace data {

int shrink_factor(int height, int width, int side) {
  if (side <= 0) return 1;
  int factor = 8;
  while (factor > 1 && std::min(height, width) / factor < side) factor /= 2;
  return factor;
}

void shrink(Image& image, int factor) {
  if (factor == 1) return;
  const int height = divided(image.height, factor), width = divided(image.width, factor);
  // in place: a mean is written no later than at the first pixel of its block
  std::uint8_t* to = image.pixels.data();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int bottom = std::min(image.height, (y + 1) * factor),
                right = std::min(image.width, (x + 1) * factor);
      const int count = (bottom - y * factor) * (right - x * factor);
      int sum[3] = {};
      for (int row = y * factor; row < bottom; ++row) {
        const std::uint8_t* from =
            image.pixels.data() + (std::size_t(row) * std::size_t(image.width) + std::size_t(x) * factor) * 3;
        for (int column = x * factor; column < right; ++column)
          for (int c = 0; c < 3; ++c) sum[c] += *from++;
      }
      for (const int s : sum) *to++ = std::uint8_t((s + count / 2) / count);
    }
  image.height = height;
  image.width = width;
  image.pixels.resize(std::size_t(height) * std::size_t(width) * 3);
}

}  // namespace data
