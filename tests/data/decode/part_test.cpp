// A part of an image has the pixels that the whole image has there, bit for bit.
#include "data/part.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "data/decode/decode.h"
#include "data/decode/exif.h"
#include "engine/error.h"
#include "engine/random.h"
#include "tests/support/encode.h"
#include "tests/support/exif.h"
#include "tests/support/scratch.h"

namespace {

using Bytes = std::vector<std::uint8_t>;
using data::Box;
using data::Image;
using data::Part;

Image decode_part(const std::string& file, const data::ChoosePart& needed,
                  const data::DecodeOptions& o = {}) {
  Image image;
  data::decode_image(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(), "x", image, o, needed);
  return image;
}

Image whole_image(const std::string& file, const data::DecodeOptions& o = {}) {
  return decode_part(file, {}, o);
}

// The pixels of a box of an image.
Bytes pixels_in(const Image& image, const Box& box) {
  Bytes pixels;
  for (int y = box.top; y < box.top + box.height; ++y) {
    const auto row = image.pixels.begin() + (std::ptrdiff_t(y) * image.width + box.left) * 3;
    pixels.insert(pixels.end(), row, row + std::ptrdiff_t(box.width) * 3);
  }
  return pixels;
}

Box random_box(engine::Random& random, int height, int width) {
  const auto below = [&](int n) { return int(random.below(std::uint32_t(n))); };
  const int top = below(height), left = below(width);
  return {top, left, 1 + below(height - top), 1 + below(width - left)};
}

// Random bytes with edges: every frequency, so that a wrong neighbour changes a pixel.
Bytes busy(int height, int width, int channels, engine::Random& random) {
  Bytes pixels;
  for (int i = 0; i < height * width * channels; ++i) pixels.push_back(std::uint8_t(random.below(256)));
  return pixels;
}

// Compares random boxes of a file with those of the whole image. Returns how many differ.
int different_boxes(const std::string& file, const data::DecodeOptions& o, engine::Random& random,
                    int boxes) {
  const Image whole = whole_image(file, o);
  int different = 0;
  for (int i = 0; i < boxes; ++i) {
    Box box;
    const Image part = decode_part(
        file,
        [&](int height, int width) {
          CHECK(height == whole.height);
          CHECK(width == whole.width);
          box = i == 0 ? Box{0, 0, height, width} : random_box(random, height, width);
          return Part{box};
        },
        o);
    REQUIRE(part.source.has_value());
    CHECK(*part.source == data::Source{whole.height, whole.width, box.top, box.left});
    CHECK(part.height == box.height);
    CHECK(part.width == box.width);
    different += part.pixels != pixels_in(whole, box);
  }
  return different;
}

// The kinds of JPEG whose parts are compared.
struct Kind {
  std::string name;
  JpegOptions options;
  int channels = 3;
};
const Kind kinds[] = {
    {"4:4:4", {}},
    {"4:2:2", {.across = 2}},
    {"4:2:0", {.across = 2, .down = 2}},
    {"4:4:0", {.down = 2}},
    {"4:1:1", {.across = 4}},
    {"4:1:0", {.across = 4, .down = 2}},
    {"three rows", {.across = 1, .down = 3}},
    {"grey", {.input = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE}, 1},
    {"grey, factors of 2", {.input = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .across = 2, .down = 2}, 1},
    {"RGB", {.stored = JCS_RGB}},
    {"CMYK", {.input = JCS_CMYK, .stored = JCS_CMYK}, 4},
    {"YCCK 4:2:0", {.input = JCS_CMYK, .stored = JCS_YCCK, .across = 2, .down = 2}, 4},
    {"progressive 4:4:4", {.progressive = true}},
    {"progressive 4:2:0", {.progressive = true, .across = 2, .down = 2}},
    {"a scan a component, 4:2:0", {.one_scan_a_component = true, .across = 2, .down = 2}},
    {"arithmetic 4:2:0", {.arithmetic = true, .across = 2, .down = 2}},
    {"restarts 4:2:0", {.across = 2, .down = 2, .restart_rows = 1}},
    {"restarts 4:2:2", {.across = 2, .restart_rows = 2}},
};

}  // namespace

TEST_CASE("a part of a JPEG has the pixels of the whole image: subsamplings, codings, odd sizes") {
  engine::Random random(1);
  for (const Kind& kind : kinds)
    for (const Box& size : {Box{0, 0, 97, 131},
                            {0, 0, 64, 48},
                            {0, 0, 33, 200},
                            {0, 0, 1, 77},
                            {0, 0, 50, 1},
                            {0, 0, 15, 17}}) {
      const int height = size.height, width = size.width;
      const std::string file =
          encode_jpeg(height, width, busy(height, width, kind.channels, random), kind.options);
      INFO(kind.name, " ", height, " x ", width);
      CHECK(different_boxes(file, {}, random, 40) == 0);
    }
}

TEST_CASE("a part of a JPEG that is shrunk while it is decoded") {
  engine::Random random(2);
  for (const Kind& kind : kinds)
    for (const int side : {40, 20, 10}) {
      const std::string file = encode_jpeg(97, 131, busy(97, 131, kind.channels, random), kind.options);
      INFO(kind.name, " at a shorter side of ", side);
      CHECK(different_boxes(file, {.shrink = side}, random, 20) == 0);
    }
}

TEST_CASE("a part of a turned image, and of other formats") {
  engine::Random random(3);
  const Bytes pixels = busy(45, 61, 3, random);
  const std::string jpeg = encode_jpeg(45, 61, pixels, {.across = 2, .down = 2});
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool apply : {false, true}) {
      INFO("orientation ", orientation, apply ? " applied" : " ignored");
      CHECK(different_boxes(with_exif(jpeg, orientation), {.apply_exif = apply}, random, 20) == 0);
    }
  const std::string png = encode_png(45, 61, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels);
  CHECK(different_boxes(png, {}, random, 20) == 0);
  CHECK(different_boxes(png, {.shrink = 15}, random, 20) == 0);
}

TEST_CASE("a progressive JPEG that lacks scans: libjpeg guesses from blocks far away") {
  engine::Random random(4);
  Bytes smooth;  // a guess needs neighbours that differ
  for (int y = 0; y < 96; ++y)
    for (int x = 0; x < 128; ++x)
      for (int c = 0; c < 3; ++c) smooth.push_back(std::uint8_t((x * x + 3 * y * y + 40 * c) / 140));
  const std::string file = encode_jpeg(96, 128, smooth, {.progressive = true});
  std::vector<std::size_t> scans;
  for (std::size_t at = 0; (at = file.find("\xff\xda", at)) != std::string::npos; ++at) scans.push_back(at);
  REQUIRE(scans.size() > 3);
  for (const std::size_t scan : {1U, 2U, 3U}) {
    // cut before the scan's tables
    std::size_t end = scans[scan];
    if (const std::size_t table = file.rfind("\xff\xc4", end); table > scans[scan - 1]) end = table;
    const std::string begun = file.substr(0, end) + "\xff\xd9";
    INFO("the first ", scan, " scans");
    CHECK(different_boxes(begun, {}, random, 20) == 0);
  }
}

TEST_CASE("a damaged JPEG is refused in part where it is refused as a whole") {
  engine::Random random(5);
  const auto refused = [](const std::string& file, const data::ChoosePart& needed) {
    return !message_of<engine::DataError>([&] { decode_part(file, needed); }).empty();
  };
  const data::ChoosePart corner = [](int height, int width) {
    return Part{{height / 3, width / 3, std::max(1, height / 4), std::max(1, width / 4)}};
  };
  int refusals = 0;
  for (const Kind& kind : kinds) {
    const std::string file = encode_jpeg(70, 90, busy(70, 90, kind.channels, random), kind.options);
    for (int i = 0; i < 30; ++i) {
      std::string broken = file;
      if (i % 3 == 0)
        broken.resize(random.below(std::uint32_t(file.size())));
      else
        broken[random.below(std::uint32_t(file.size()))] = char(random.below(256));
      const bool whole = refused(broken, {});
      INFO(kind.name, ", damage ", i);
      CHECK(refused(broken, corner) == whole);
      refusals += whole;
    }
  }
  CHECK(refusals > 100);
}

TEST_CASE("a part at 1/2, 1/4 or 1/8 is that of the image that is shrunk") {
  engine::Random random(6);
  const std::string file = encode_jpeg(97, 131, busy(97, 131, 3, random), {.across = 2, .down = 2});
  for (const int scale : {2, 4, 8}) {
    const Image shrunk = whole_image(file, {.shrink = 97 / scale});
    for (int i = 0; i < 20; ++i) {
      const Box box = random_box(random, 97, 131);
      const Image part = decode_part(file, [&](int, int) { return Part{box, scale}; });
      const int top = box.top / scale, left = box.left / scale;
      CHECK(*part.source == data::Source{97, 131, top, left, scale});
      const Box there{top, left, (box.top + box.height + scale - 1) / scale - top,
                      (box.left + box.width + scale - 1) / scale - left};
      CHECK(part.pixels == pixels_in(shrunk, there));
    }
  }
  // at most 1/8 in all
  const Image both = decode_part(file, [](int h, int w) { return Part{{0, 0, h, w}, 8}; }, {.shrink = 48});
  CHECK(*both.source == data::Source{49, 66, 0, 0, 4});
}

TEST_CASE("a box in the stored image and in the upright one") {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Box upright{1, 2, 3, 4};
    const Box stored = data::stored_box(upright, orientation, 10, 20);
    CHECK(data::upright_box(stored, orientation, 10, 20) == upright);
  }
  CHECK(data::stored_box({1, 2, 3, 4}, 6, 10, 20) == Box{4, 1, 4, 3});
}

TEST_CASE("a box outside the image is refused") {
  const std::string file = encode_jpeg(8, 8, Bytes(192, 9));
  for (const Box box : {Box{0, 0, 9, 8}, {0, 0, 0, 8}, {-1, 0, 4, 4}, {5, 5, 4, 1}})
    CHECK_THROWS_AS(decode_part(file, [&](int, int) { return Part{box}; }), std::invalid_argument);
  CHECK_THROWS_AS(decode_part(file,
                              [](int h, int w) {
                                return Part{{0, 0, h, w}, 3};
                              }),
                  std::invalid_argument);
}
