#include "data/preview.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/ops.h"

namespace data {
namespace {

// Cells of size x size pixels, row by row, on white.
class Sheet {
 public:
  Sheet(int rows, int columns, int size)
      : columns_(columns), size_(size), zoom_(std::max(1, 96 / size)), gap_(8), edge_(size_ * zoom_ + gap_) {
    image_.height = rows * edge_ + gap_;
    image_.width = columns * edge_ + gap_;
    image_.pixels.assign(std::size_t(image_.height) * std::size_t(image_.width) * 3, 255);
  }

  // values: (size,size,3) in 0 .. 1
  void place(int cell, const float* values) {
    const int top = cell / columns_ * edge_ + gap_, left = cell % columns_ * edge_ + gap_;
    for (int y = 0; y < size_ * zoom_; ++y)
      for (int x = 0; x < size_ * zoom_; ++x)
        for (int c = 0; c < 3; ++c) {
          const float v = values[(y / zoom_ * size_ + x / zoom_) * 3 + c];
          image_.pixels[(std::size_t(top + y) * std::size_t(image_.width) + std::size_t(left + x)) * 3 +
                        std::size_t(c)] = std::uint8_t(std::lround(v * 255));
        }
  }

  const Image& image() const { return image_; }

 private:
  int columns_, size_, zoom_, gap_, edge_;
  Image image_;
};

}  // namespace

Image preview(const Dataset& dataset, const std::array<ViewRecipe, 2>& recipes, int images, int size,
              std::uint64_t seed, BadImages bad_images) {
  engine::require(images > 0, "preview: ", images, " images, expected at least 1");
  const auto count = int(std::min(dataset.size(), std::size_t(images)));
  const std::vector<std::uint32_t> order = permutation(dataset.size(), seed, 0);
  ViewRecipe plain = view_recipe("cifar");
  plain.bicubic = recipes[0].bicubic;

  Sheet sheet(count, 3, size);
  Image image;
  int row = 0;
  for (const std::uint32_t sample : order) {
    if (row == count) break;
    try {
      dataset.read(sample, image);
    } catch (const engine::DataError& error) {
      if (bad_images == BadImages::stop) throw BadImage(error.what());
      continue;
    }
    const engine::Tensor pixels({std::int64_t(image.pixels.size())}, engine::DType::u8, engine::cpu);
    std::copy(image.pixels.begin(), image.pixels.end(), pixels.data<std::uint8_t>());
    const auto view = [&](const ViewRecipe& r, std::uint32_t v) {
      return draw(r, seed, 0, sample, v, 0, image.height, image.width, size);
    };
    const engine::Tensor shown =
        engine::augment(pixels, pack({view(plain, 0), view(recipes[0], 0), view(recipes[1], 1)}), size,
                        {{0, 0, 0}, {1, 1, 1}}, engine::DType::f32, recipes[0].rules);
    for (int cell = 0; cell < 3; ++cell) sheet.place(3 * row + cell, shown.slice(cell, 1).data<float>());
    ++row;
  }
  return sheet.image();
}

}  // namespace data
