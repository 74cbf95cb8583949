#include "data/decode/decode.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data/decode/shrink.h"
#include "engine/error.h"
#include "tests/support/encode.h"
#include "tests/support/raw_bytes.h"
#include "tests/support/scratch.h"

using data::Image;
using engine::DataError;

namespace {

using Bytes = std::vector<std::uint8_t>;

Image decode(const std::string& file, const data::DecodeOptions& o = {}) {
  return data::decode_image(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(), "x", o);
}

// The error message. Checks that it is one line that begins with the name.
std::string refusal(const std::string& file) {
  std::string text = message_of<DataError>([&] { decode(file); });
  if (!text.empty()) CHECK((text.starts_with("x: ") && text.find('\n') == std::string::npos));
  return text;
}

void check_refused(const std::string& file, const std::string& part) {
  const std::string text = refusal(file);
  INFO(text, " | ", part);
  CHECK(text.find(part) != std::string::npos);
}

// Low-frequency waves in each channel, which JPEG preserves.
Bytes waves(int height, int width, int channels) {
  Bytes pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        pixels.push_back(std::uint8_t(128 + 100 * std::sin(0.3 * (c + 1) + 0.2 * x + 0.1 * (c + 1) * y)));
  return pixels;
}

int largest_difference(const Bytes& a, const Bytes& b) {
  REQUIRE(a.size() == b.size());
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(int(a[i]) - int(b[i])));
  return largest;
}

void check_size(const Image& image, int height, int width) {
  CHECK(image.height == height);
  CHECK(image.width == width);
  REQUIRE(image.pixels.size() == std::size_t(height * width * 3));
}

std::string png_that_declares(std::uint32_t height, std::uint32_t width) {
  std::string file = encode_png(1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, {1, 2, 3});
  file.replace(16, 8, big_endian(width) + big_endian(height));
  file.replace(29, 4, big_endian(crc32(file.substr(12, 17))));
  return file;
}

std::string jpeg_that_declares(int height, int width, bool arithmetic = false) {
  std::string file = encode_jpeg(8, 8, waves(8, 8, 3), {.arithmetic = arithmetic});
  const std::size_t frame = file.find(arithmetic ? "\xff\xc9" : "\xff\xc0");
  REQUIRE(frame != std::string::npos);
  const char size[] = {char(height >> 8), char(height), char(width >> 8), char(width)};
  return file.replace(frame + 5, 4, size, 4);
}

}  // namespace

TEST_CASE("JPEG: colour, baseline, progressive and arithmetic, at sizes that are not multiples of a block") {
  for (const auto& [height, width] : {std::pair{16, 16}, {1, 1}, {17, 9}, {1, 33}})
    for (const auto& [progressive, arithmetic] : {std::pair{false, false}, {true, false}, {false, true}}) {
      const Bytes pixels = waves(height, width, 3);
      const Image image =
          decode(encode_jpeg(height, width, pixels, {.progressive = progressive, .arithmetic = arithmetic}));
      check_size(image, height, width);
      CHECK(largest_difference(image.pixels, pixels) <= 3);
    }
}

TEST_CASE("JPEG: a grey image has three equal channels") {
  const Bytes grey = waves(9, 12, 1);
  const Image image = decode(encode_jpeg(9, 12, grey, {.input = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE}));
  check_size(image, 9, 12);
  Bytes expected;
  for (const std::uint8_t v : grey) expected.insert(expected.end(), 3, v);
  CHECK(largest_difference(image.pixels, expected) <= 2);
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    CHECK((image.pixels[i] == image.pixels[i + 1] && image.pixels[i] == image.pixels[i + 2]));
}

TEST_CASE("JPEG: CMYK and YCCK, stored inverted, become RGB") {
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    Bytes inks = waves(16, 16, 4), expected;  // 255 is no ink
    for (std::size_t i = 0; i < inks.size(); i += 4)
      for (std::size_t c = 0; c < 3; ++c)
        expected.push_back(std::uint8_t(std::lround(inks[i + c] * inks[i + 3] / 255.)));
    const Image image = decode(encode_jpeg(16, 16, inks, {.input = JCS_CMYK, .stored = stored}));
    check_size(image, 16, 16);
    CHECK(largest_difference(image.pixels, expected) <= 4);
  }
}

TEST_CASE("shrink: the factor keeps the shorter side, and is 1, 2, 4 or 8") {
  CHECK(data::shrink_factor(100, 200, 0) == 1);
  CHECK(data::shrink_factor(100, 200, 51) == 1);
  CHECK(data::shrink_factor(100, 200, 50) == 2);
  CHECK(data::shrink_factor(400, 101, 25) == 4);
  CHECK(data::shrink_factor(4000, 3000, 1) == 8);
}

TEST_CASE("shrink: a PNG's blocks become their means, with smaller blocks at the edges") {
  Bytes pixels = waves(7, 9, 3);
  const Image image = decode(encode_png(7, 9, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels), {.shrink = 3});
  check_size(image, 4, 5);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 5; ++x)
      for (int c = 0; c < 3; ++c) {
        double sum = 0, count = 0;
        for (int v = 2 * y; v < std::min(7, 2 * y + 2); ++v)
          for (int u = 2 * x; u < std::min(9, 2 * x + 2); ++u, ++count)
            sum += pixels[std::size_t((v * 9 + u) * 3 + c)];
        CHECK(image.pixels[std::size_t((y * 5 + x) * 3 + c)] == std::lround(sum / count));
      }
}

TEST_CASE("shrink: a JPEG is near the means of its blocks, whatever its colour space; EXIF turns it after") {
  const int height = 67, width = 33;
  for (const int factor : {2, 4, 8})
    for (const bool grey : {false, true}) {
      Bytes smooth;  // so that the frequency domain and the mean agree
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          for (int c = 0; c < (grey ? 1 : 3); ++c) smooth.push_back(std::uint8_t(40 + 2 * y + x + 10 * c));
      const std::string file =
          grey ? encode_jpeg(height, width, smooth, {.input = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE})
               : encode_jpeg(height, width, smooth);
      Image means = decode(file);
      data::shrink(means, factor);
      const Image image = decode(file, {.shrink = width / factor});
      check_size(image, (height + factor - 1) / factor, (width + factor - 1) / factor);
      INFO("factor ", factor, grey ? ", grey" : "");
      // the rows and columns of blocks that the file's edge cuts see the encoder's padding
      CHECK(largest_difference(image.pixels, means.pixels) <= 2 * factor);
    }
}

TEST_CASE("PNG: grey of every depth is scaled to 0 to 255; 16 bits keep the high byte") {
  struct Case {
    int bits;
    Bytes row, grey;
  };
  const Case cases[] = {{1, {0b10110000}, {255, 0, 255, 255}},
                        {2, {0b00011011}, {0, 85, 170, 255}},
                        {4, {0x0f, 0x81}, {0, 255, 136, 17}},
                        {8, {0, 1, 128, 255}, {0, 1, 128, 255}},
                        {16, {0, 255, 1, 0, 127, 255, 255, 255}, {0, 1, 127, 255}}};
  for (const Case& c : cases) {
    Bytes expected;
    for (const std::uint8_t v : c.grey) expected.insert(expected.end(), 3, v);
    const Image image = decode(encode_png(1, 4, SPNG_COLOR_TYPE_GRAYSCALE, c.bits, c.row));
    check_size(image, 1, 4);
    INFO(c.bits, " bits");
    CHECK(image.pixels == expected);
  }
}

TEST_CASE("PNG: colour of 8 and 16 bits, alpha dropped, interlaced") {
  const Bytes rgb = {1, 2, 3, 250, 251, 252};
  CHECK(decode(encode_png(2, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, rgb)).pixels == rgb);
  CHECK(decode(encode_png(1, 2, SPNG_COLOR_TYPE_TRUECOLOR, 16, {1, 9, 2, 9, 3, 9, 250, 9, 251, 9, 252, 9}))
            .pixels == rgb);
  CHECK(
      decode(encode_png(1, 2, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, {1, 2, 3, 0, 250, 251, 252, 128})).pixels ==
      rgb);
  CHECK(decode(encode_png(1, 2, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 16,
                          {1, 9, 2, 9, 3, 9, 0, 0, 250, 9, 251, 9, 252, 9, 128, 0}))
            .pixels == rgb);
  CHECK(decode(encode_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, {7, 0, 9, 255})).pixels ==
        Bytes{7, 7, 7, 9, 9, 9});
  const Bytes pixels = waves(9, 11, 3);
  const std::string interlaced =
      encode_png(9, 11, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels, nullptr, nullptr, true);
  CHECK(interlaced.at(28) == 1);
  CHECK(decode(interlaced).pixels == pixels);
}

TEST_CASE("PNG: palettes of 2 to 8 bits, with a transparent entry") {
  spng_plte palette = {};
  palette.n_entries = 3;
  palette.entries[0] = {10, 20, 30, 0};
  palette.entries[1] = {40, 50, 60, 0};
  palette.entries[2] = {70, 80, 90, 0};
  spng_trns transparency = {};
  transparency.n_type3_entries = 1;
  const Bytes expected = {70, 80, 90, 10, 20, 30, 40, 50, 60};
  CHECK(decode(encode_png(1, 3, SPNG_COLOR_TYPE_INDEXED, 8, {2, 0, 1}, &palette, &transparency)).pixels ==
        expected);
  CHECK(decode(encode_png(1, 3, SPNG_COLOR_TYPE_INDEXED, 4, {0x20, 0x10}, &palette)).pixels == expected);
  CHECK(decode(encode_png(1, 3, SPNG_COLOR_TYPE_INDEXED, 2, {0b10000100}, &palette)).pixels == expected);
}

TEST_CASE("a file of another format is refused") {
  check_refused("", "x: is empty, expected a JPEG, PNG, WebP, TIFF, GIF, BMP, PNM or TGA file");
  check_refused(std::string("8BPS\0", 5),
                "x: is a Photoshop file, expected a JPEG, PNG, WebP, TIFF, GIF, BMP, PNM or TGA file");
  for (const std::string file : {"not an image at all", "\xff", "\x89PNG", "B"})
    check_refused(file, "x: not an image, expected a JPEG, PNG, WebP, TIFF, GIF, BMP, PNM or TGA file");
}

TEST_CASE("a truncated file is refused") {
  const Bytes pixels = waves(16, 16, 3);
  for (const std::string& file :
       {encode_jpeg(16, 16, pixels), encode_jpeg(16, 16, pixels, {.progressive = true}),
        encode_jpeg(16, 16, waves(16, 16, 4), {.input = JCS_CMYK, .stored = JCS_YCCK}),
        encode_png(16, 16, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels),
        encode_png(16, 16, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels, nullptr, nullptr, true)}) {
    REQUIRE(refusal(file).empty());
    // the last four bytes of a PNG are the checksum of an empty chunk: no pixel needs them
    const std::size_t needed = file.starts_with("\x89PNG") ? file.size() - 4 : file.size();
    for (std::size_t size = 0; size < needed; ++size) {
      INFO("cut at ", size, " of ", file.size());
      CHECK(!refusal(file.substr(0, size)).empty());
    }
  }
  check_refused(encode_jpeg(16, 16, pixels).substr(0, 700),
                "x: JPEG of 700 bytes: Premature end of JPEG file");
}

TEST_CASE("a file with a changed byte is decoded or refused; a PNG is always refused") {
  const Bytes pixels = waves(12, 12, 3);
  const std::string files[] = {encode_jpeg(12, 12, pixels),
                               encode_jpeg(12, 12, pixels, {.progressive = true}),
                               encode_png(12, 12, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels)};
  for (const std::string& file : files)
    for (std::size_t at = 0; at < file.size(); ++at)
      for (const unsigned char mask : {0x01, 0x10, 0xff}) {
        std::string changed = file;
        changed[at] = char(static_cast<unsigned char>(changed[at]) ^ mask);
        INFO("byte ", at, " of ", file.size());
        const bool refused = !refusal(changed).empty();  // any other exception fails the test
        if (&file == &files[2]) CHECK(refused);
      }
}

TEST_CASE("JPEG: superfluous bytes before the end marker are ignored") {
  const std::string file = encode_jpeg(16, 16, waves(16, 16, 3));
  std::string padded = file;
  padded.insert(padded.size() - 2, "\x01\x02\x03");
  CHECK(decode(padded).pixels == decode(file).pixels);
}

TEST_CASE("a header that declares a huge image is refused before memory is allocated") {
  check_refused(png_that_declares(4'000'000'000U, 4'000'000'000U), "x: ");
  check_refused(png_that_declares(16'385, 1), "x: declares 16,385 x 1 pixels, expected sides of 1 to 16,384");
  check_refused(png_that_declares(1, 16'385), "x: declares 1 x 16,385 pixels");
  check_refused(png_that_declares(16'000, 16'000), "at most 89,500,000 pixels");
  check_refused(png_that_declares(0, 5), "x: ");
  check_refused(jpeg_that_declares(65'500, 65'500), "x: declares 65,500 x 65,500 pixels");
  check_refused(jpeg_that_declares(10'000, 10'000), "x: declares 10,000 x 10,000 pixels");
  check_refused(jpeg_that_declares(9'000, 9'000, true),
                "x: declares 9,000 x 9,000 pixels, expected at most ");
  check_refused(jpeg_that_declares(0, 8), "x: ");
  check_refused(jpeg_that_declares(8, 0), "x: ");
}

TEST_CASE("JPEG: too many scans are refused") {
  const Bytes pixels = waves(16, 16, 3);
  const std::string file = encode_jpeg(16, 16, pixels, {.one_scan_a_component = true});
  CHECK(largest_difference(decode(file).pixels, pixels) <= 3);
  const std::size_t first = file.find("\xff\xda"), second = file.find("\xff\xda", first + 2);
  REQUIRE(second != std::string::npos);
  // the tables of later scans lie between the two and are repeated as well
  std::string bomb = file.substr(0, first);
  for (int i = 0; i < data::max_scans + 1; ++i) bomb += file.substr(first, second - first);
  check_refused(bomb + file.substr(second), "more than 100 scans");
}
