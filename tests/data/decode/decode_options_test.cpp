// How images are decoded: 16-bit samples and the EXIF orientation.
#include <doctest/doctest.h>

#include "data/decode/decode.h"
#include "data/decode/exif.h"
#include "data/subset.h"
#include "tests/support/encode.h"
#include "tests/support/exif.h"
#include "tests/support/raw_bytes.h"
#include "tests/support/scratch.h"

namespace {

using Bytes = std::vector<std::uint8_t>;
using Sixteen = data::DecodeOptions::Sixteen;

data::Image decoded(const std::string& file, const data::DecodeOptions& o) {
  return data::decode_image(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(), "x", o);
}

// A grey PNG of 16-bit samples in one row; the first channel of what it becomes.
std::string grey16(const std::vector<int>& samples) {
  Bytes row;
  for (const int s : samples) row.insert(row.end(), {std::uint8_t(s >> 8), std::uint8_t(s)});
  return encode_png(1, int(samples.size()), SPNG_COLOR_TYPE_GRAYSCALE, 16, row);
}
Bytes levels(const std::string& file, const data::DecodeOptions& o) {
  const data::Image image = decoded(file, o);
  Bytes first;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) first.push_back(image.pixels[i]);
  return first;
}

}  // namespace

TEST_CASE("16 bits: the high byte, the image's range, or a given range; the range used is noted") {
  const std::string twelve = grey16({0, 1, 15, 2048, 4095});  // a camera of 12 bits
  CHECK(levels(twelve, {}) == Bytes{0, 0, 0, 8, 15});
  CHECK(levels(twelve, {.sixteen = Sixteen::range, .low = 0, .high = 4095}) == Bytes{0, 0, 1, 128, 255});
  CHECK(levels(twelve, {.sixteen = Sixteen::stretch}) == Bytes{0, 0, 1, 128, 255});
  const std::string part = grey16({1000, 1500, 2000});
  CHECK(levels(part, {.sixteen = Sixteen::stretch}) == Bytes{0, 128, 255});
  CHECK(levels(part, {.sixteen = Sixteen::range, .low = 1250, .high = 1750}) == Bytes{0, 128, 255});
  CHECK(levels(grey16({515, 515}), {.sixteen = Sixteen::stretch}) == Bytes{2, 2});  // no range to spread
  const data::Image image = decoded(part, {});
  CHECK(image.sixteen_bit);
  CHECK(image.least == 1000);
  CHECK(image.greatest == 2000);
}

TEST_CASE("16 bits: alpha is no part of the range, and 8-bit images have none") {
  const Bytes rgba = {0, 100, 0, 0, 1, 0, 255, 255, 0, 50, 0, 200, 0, 150, 0, 0};
  const data::Image image =
      decoded(encode_png(1, 2, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 16, rgba), {.sixteen = Sixteen::stretch});
  CHECK(image.least == 0);
  CHECK(image.greatest == 256);
  CHECK(image.pixels == Bytes{100, 0, 255, 50, 199, 149});
  CHECK_FALSE(decoded(encode_png(1, 1, SPNG_COLOR_TYPE_GRAYSCALE, 8, {9}), {.sixteen = Sixteen::stretch})
                  .sixteen_bit);
}

TEST_CASE("EXIF: each orientation shows the image as its maker saw it") {
  // 2 x 3, stored; each pixel is its own number. Expected: as Pillow's ImageOps.exif_transpose gives them.
  const Bytes stored = {1, 2, 3,  //
                        4, 5, 6};
  struct Case {
    int orientation, height;
    Bytes shown;
  };
  const Case cases[] = {{1, 2, {1, 2, 3, 4, 5, 6}}, {2, 2, {3, 2, 1, 6, 5, 4}}, {3, 2, {6, 5, 4, 3, 2, 1}},
                        {4, 2, {4, 5, 6, 1, 2, 3}}, {5, 3, {1, 4, 2, 5, 3, 6}}, {6, 3, {4, 1, 5, 2, 6, 3}},
                        {7, 3, {6, 3, 5, 2, 4, 1}}, {8, 3, {3, 6, 2, 5, 1, 4}}};
  for (const Case& c : cases) {
    CAPTURE(c.orientation);
    data::Image image{2, 3, {}};
    for (const std::uint8_t v : stored) image.pixels.insert(image.pixels.end(), 3, v);
    image.orientation = c.orientation;
    data::apply_orientation(image);
    CHECK(image.height == c.height);
    CHECK(image.width == 6 / c.height);
    Bytes shown;
    for (std::size_t i = 0; i < image.pixels.size(); i += 3) shown.push_back(image.pixels[i]);
    CHECK(shown == c.shown);
  }
}

TEST_CASE("EXIF: a JPEG is turned if asked to, not by default") {
  Bytes pixels;
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 16; ++x) pixels.insert(pixels.end(), 3, std::uint8_t(x < 8 ? 20 : 220));
  const std::string file = with_exif(encode_jpeg(8, 16, pixels), 6);
  const data::Image ignored = decoded(file, {}), applied = decoded(file, {.apply_exif = true});
  CHECK((ignored.height == 8 && ignored.width == 16));
  REQUIRE((applied.height == 16 && applied.width == 8));
  CHECK(applied.pixels[0] < 30);  // the dark left becomes the top
  CHECK(applied.pixels[3 * 8 * 15] > 210);
}

TEST_CASE("EXIF: a PNG is turned by its chunk eXIf") {
  const std::string tiff = std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0", 26);
  std::string file = encode_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 8, {10, 20});
  file.insert(33, big_endian(std::uint32_t(tiff.size())) + "eXIf" + tiff + big_endian(crc32("eXIf" + tiff)));
  CHECK(decoded(file, {}).orientation == 3);
  CHECK(decoded(file, {}).pixels[0] == 10);
  CHECK(decoded(file, {.apply_exif = true}).pixels[0] == 20);
}

TEST_CASE(
    "a data set decodes its files as it was told, and so does a part of it; it notes what isn't usual") {
  const Scratch scratch;
  Bytes pixels;
  for (int i = 0; i < 8 * 16; ++i) pixels.insert(pixels.end(), 3, 99);
  scratch.write("a/1.jpg", with_exif(encode_jpeg(8, 16, pixels), 6));
  scratch.write("a/2.png", grey16({0, 4095}));
  const auto set = data::open_dataset(scratch.folder, data::Split::train);
  CHECK(set->image(0).height == 8);
  using Notes = std::vector<std::string>;
  const std::string exif =
      "images with an EXIF orientation: used as they are stored; --exif apply turns them upright";
  CHECK(set->decoding_notes() == Notes{exif});
  CHECK(set->image(1).pixels[3] == 15);
  CHECK(set->decoding_notes() ==
        Notes{"16-bit images: their high byte is used; `dyad data check` says which range they have", exif});
  const data::Subset part(*set, {0, 1});
  part.decode_as({.sixteen = Sixteen::range, .low = 0, .high = 4095, .apply_exif = true});
  CHECK(set->image(0).height == 16);
  CHECK(part.image(1).pixels[3] == 255);
  CHECK(part.decoding_notes().front() == "16-bit images: 0 to 4,095 are spread over 8 bits");
}
