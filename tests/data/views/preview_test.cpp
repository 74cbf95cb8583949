// PNG files and the contact sheet of views.
#include "data/preview.h"

#include <doctest/doctest.h>

#include "data/decode/decode.h"
#include "data/decode/png.h"
#include "tests/support/scratch.h"

using namespace data;

namespace {

struct TwoImages : Dataset {
  std::vector<std::string> names{"even", "odd"};
  Kind kind() const override { return Kind::image_folder; }
  std::size_t size() const override { return 2; }
  const std::vector<std::string>& classes() const override { return names; }
  int label(std::size_t i) const override { return int(i); }
  std::string name(std::size_t i) const override { return names[i]; }
  void read(std::size_t i, Image& into) const override {  // one color per image
    into = {20 + int(i), 30, {}};
    for (int p = 0; p < into.height * into.width; ++p)
      for (int c = 0; c < 3; ++c) into.pixels.push_back(std::uint8_t(c == int(i) ? 200 : 10));
  }
};

}  // namespace

TEST_CASE("a written PNG reads back unchanged") {
  Image image{5, 7, {}};
  for (int i = 0; i < 5 * 7 * 3; ++i) image.pixels.push_back(std::uint8_t(i * 37));
  const Scratch scratch;
  write_png(scratch.path("a.png"), image);
  const std::string bytes = scratch.read("a.png");
  CHECK(bytes == png_bytes(image));
  const Image back = decode_image(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), "a.png");
  CHECK(back.height == 5);
  CHECK(back.width == 7);
  CHECK(back.pixels == image.pixels);
  image.pixels.pop_back();
  CHECK(message_of<std::invalid_argument>([&] { png_bytes(image); }) ==
        "png_bytes: 104 bytes for 5 x 7 pixels, expected 3 a pixel and at least one pixel");
}

TEST_CASE("a sheet shows each image and two views of it") {
  ViewRecipe recipe = view_recipe("simclr-cifar");
  recipe.jitter_p = recipe.gray_p = 0;
  const Image sheet = preview(TwoImages(), recipe, 5, 32, 3);  // 5 requested, 2 exist
  CHECK(sheet.height == 8 + 2 * (96 + 8));
  CHECK(sheet.width == 8 + 3 * (96 + 8));
  const auto red = [&](int y, int x) { return int(sheet.pixels[std::size_t(y * sheet.width + x) * 3]); };
  for (int row = 0; row < 2; ++row)
    for (int column = 0; column < 3; ++column) {
      const int top = 8 + row * 104, left = 8 + column * 104;
      CHECK(red(top, left) == red(8 + row * 104, 8));  // crops of one color are that color
      CHECK(red(top + 95, left + 95) == red(top, left));
      CHECK(red(top + 96, left) == 255);
    }
  CHECK(red(8, 8) + red(112, 8) == 210);
  ViewRecipe solarized = recipe;
  solarized.solarize_p = 1;
  solarized.solarize_threshold = 0;
  const Image inverted = preview(TwoImages(), {recipe, solarized}, 2, 32, 3);
  for (const int column : {0, 1})
    CHECK(inverted.pixels[std::size_t(8 * sheet.width + 8 + column * 104) * 3] == red(8, 8));
  CHECK(int(inverted.pixels[std::size_t(8 * sheet.width + 8 + 2 * 104) * 3]) == 255 - red(8, 8));
  recipe.jitter_p = 1;
  CHECK(preview(TwoImages(), recipe, 2, 32, 3).pixels != sheet.pixels);
}
