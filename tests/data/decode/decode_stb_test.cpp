// BMP, PNM and TGA: files that are decoded, and files that are refused before stb_image gets them.
#include <doctest/doctest.h>

#include "data/decode/decode.h"
#include "engine/error.h"
#include "tests/support/encode_stb.h"
#include "tests/support/scratch.h"

using data::Image;
using engine::DataError;

namespace {

using Bytes = std::vector<std::uint8_t>;

Image decode_by_stb(const std::string& file) {
  return data::decode_image(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(), "x");
}

void check_pixels(const std::string& file, int height, int width, const Bytes& expected) {
  const Image image = decode_by_stb(file);
  CHECK(image.height == height);
  CHECK(image.width == width);
  CHECK(image.pixels == expected);
}

void check_refused_by_stb(const std::string& file, const std::string& line) {
  CHECK(message_of<DataError>([&] { decode_by_stb(file); }) == line);
}

// A file truncated at any byte is refused, except within the last `spare` bytes, which hold no pixel.
void check_every_cut(const std::string& file, std::size_t spare = 0) {
  decode_by_stb(file);
  for (std::size_t size = 0; size < file.size() - spare; ++size) {
    INFO("cut at ", size, " of ", file.size());
    const std::string message = message_of<DataError>([&] { decode_by_stb(file.substr(0, size)); });
    CHECK(message.starts_with("x: "));
  }
}

const std::string two_colours("\x10\x20\x30\x00\x40\x50\x60\x00", 8);  // blue first

}  // namespace

TEST_CASE("BMP: 24 and 32 bits, from the bottom up and from the top down") {
  // 1 x 2 pixels: 6 bytes and 2 bytes of padding per row
  const std::string low("\x03\x02\x01\x06\x05\x04\0\0", 8), high("\x09\x08\x07\x0c\x0b\x0a\0\0", 8);
  check_pixels(encode_bmp(2, 2, low + high), 2, 2, {7, 8, 9, 10, 11, 12, 1, 2, 3, 4, 5, 6});
  check_pixels(encode_bmp(-2, 2, low + high), 2, 2, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  check_pixels(encode_bmp(1, 2, std::string("\x03\x02\x01\0\x06\x05\x04\xff", 8), {.bits = 32}), 1, 2,
               {1, 2, 3, 4, 5, 6});  // alpha is dropped
  CHECK(std::string(decode_by_stb(encode_bmp(2, 2, low + high)).format) == "BMP");
}

TEST_CASE("BMP: 16 bits, with masks and without") {
  const std::string pixels("\x00\x7c\xe0\x03", 4);  // 5 bits each: red, green
  check_pixels(encode_bmp(1, 2, pixels, {.bits = 16}), 1, 2, {255, 0, 0, 0, 255, 0});
  const std::string masks = little_endian(0xf800, 4) + little_endian(0x07e0, 4) + little_endian(0x001f, 4);
  check_pixels(
      encode_bmp(1, 2, std::string("\x00\xf8\xe0\x07", 4), {.bits = 16, .compression = 3, .after = masks}), 1,
      2, {255, 0, 0, 0, 255, 0});
}

TEST_CASE("BMP: palettes of 1, 4 and 8 bits; an index beyond the palette is refused") {
  const Bytes expected = {0x60, 0x50, 0x40, 0x30, 0x20, 0x10};
  check_pixels(encode_bmp(1, 2, std::string("\x80\0\0\0", 4), {.bits = 1, .after = two_colours}), 1, 2,
               expected);
  check_pixels(encode_bmp(1, 2, std::string("\x10\0\0\0", 4), {.bits = 4, .after = two_colours}), 1, 2,
               expected);
  check_pixels(encode_bmp(1, 2, std::string("\x01\0\0\0", 4), {.bits = 8, .after = two_colours}), 1, 2,
               expected);
  check_refused_by_stb(encode_bmp(1, 2, std::string("\x01\x02\0\0", 4), {.bits = 8, .after = two_colours}),
                       "x: BMP of 66 bytes: a pixel of colour 2, expected less than the palette's 2");
  check_refused_by_stb(encode_bmp(1, 1, std::string(4, '\0'), {.bits = 8}),
                       "x: BMP of 58 bytes: a pixel of colour 0, expected less than the palette's 0");
}

TEST_CASE("BMP: the error names an unsupported variant") {
  const std::string row(4, '\0');
  check_refused_by_stb(encode_bmp(1, 1, row, {.bits = 8, .compression = 1, .after = two_colours}),
                       "x: BMP of 66 bytes: compression 1 with 8 bits a pixel, expected none");
  check_refused_by_stb(encode_bmp(1, 1, row, {.header = 12}),
                       "x: BMP of 58 bytes: a header of 12 bytes, expected 40, 56, 108 or 124");
  check_refused_by_stb(encode_bmp(1, 1, row, {.bits = 2}),
                       "x: BMP of 58 bytes: 2 bits a pixel, expected 1, 4, 8, 16, 24 or 32");
  check_refused_by_stb(encode_bmp(1, 1, row, {.planes = 2}),
                       "x: BMP of 58 bytes: bad BMP, expected a whole BMP file");
  std::string colors = encode_bmp(1, 1, row, {.bits = 8, .after = two_colours});
  colors[46] = colors[48] = 1;  // the number of colours, four bytes
  check_refused_by_stb(colors, "x: BMP of 66 bytes: a palette of 65537 colours, expected at most 65536");
  std::string file = encode_bmp(1, 1, row);
  file[10] = 20;
  check_refused_by_stb(file, "x: BMP of 58 bytes: pixels at byte 20, expected at least 54");
}

TEST_CASE("PNM: grey and colour, comments; other depths and ASCII are refused") {
  check_pixels("P5\n# made by hand\n2 1 # wide\n255\n\x07\xff", 1, 2, {7, 7, 7, 255, 255, 255});
  check_pixels(std::string("P6 1 2\t255 \x01\x02\x03\x04\x05\0", 17), 2, 1, {1, 2, 3, 4, 5, 0});
  CHECK(std::string(decode_by_stb("P5 1 1 255 x").format) == "PNM");
  check_refused_by_stb("P5 2 1 15\n\x01\x02", "x: PNM of 12 bytes: samples of 0 to 15, expected 0 to 255");
  check_refused_by_stb("P5 1 1 65535\n\x01\x02",
                       "x: PNM of 15 bytes: samples of 0 to 65535, expected 0 to 255");
  check_refused_by_stb("P5 x", "x: PNM of 4 bytes: no number at byte 3, expected width, height and maximum");
  check_refused_by_stb("P5 1 1 255",
                       "x: PNM of 10 bytes: no white space at byte 10, expected one before the samples");
  check_refused_by_stb("P3 1 1 255 1 2 3",
                       "x: not an image, expected a JPEG, PNG, WebP, TIFF, GIF, BMP, PNM or TGA file");
  check_refused_by_stb(
      "P5 99999999999999999999 1 255\n",
      "x: declares 1 x 100,000,000 pixels, expected sides of 1 to 16,384 and at most 89,500,000 pixels");
}

TEST_CASE("TGA: colour, grey, palette, 16 bits, alpha, run-length coded, upside down") {
  const std::string two("\x03\x02\x01\x06\x05\x04", 6);
  check_pixels(encode_tga(1, 2, two), 1, 2, {1, 2, 3, 4, 5, 6});
  check_pixels(encode_tga(2, 1, two, {.descriptor = 0}), 2, 1, {4, 5, 6, 1, 2, 3});
  check_pixels(encode_tga(1, 2, two, {.id = "made by hand"}), 1, 2, {1, 2, 3, 4, 5, 6});
  check_pixels(encode_tga(1, 1, std::string("\x03\x02\x01\0", 4), {.bits = 32}), 1, 1, {1, 2, 3});
  check_pixels(encode_tga(1, 2, std::string("\x00\x7c\xe0\x03", 4), {.bits = 16}), 1, 2,
               {255, 0, 0, 0, 255, 0});
  check_pixels(encode_tga(1, 2, "\x07\x09", {.type = 3, .bits = 8}), 1, 2, {7, 7, 7, 9, 9, 9});
  check_pixels(encode_tga(1, 1, std::string("\x07\0", 2), {.type = 3, .bits = 16}), 1, 1, {7, 7, 7});
  check_pixels(encode_tga(1, 2, two + std::string("\x01\0", 2),
                          {.type = 1, .bits = 8, .colours = 2, .colour_bits = 24}),
               1, 2, {4, 5, 6, 1, 2, 3});
  // a run of three equal pixels, then two literal pixels
  check_pixels(encode_tga(1, 5, "\x82\x03\x02\x01\x01" + two, {.type = 10}), 1, 5,
               {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 5, 6});
  CHECK(std::string(decode_by_stb(encode_tga(1, 2, two)).format) == "TGA");
  // a packet may cross the end of a row, not that of the image
  check_pixels(encode_tga(2, 2, "\x83\x03\x02\x01", {.type = 10}), 2, 2,
               {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3});
  check_refused_by_stb(
      encode_tga(2, 2, "\x84\x03\x02\x01", {.type = 10}),
      "x: TGA of 22 bytes: a packet of 5 pixels at byte 18, expected at most the 4 that are left");
  check_refused_by_stb(encode_tga(1, 2, two, {.descriptor = 16}),
                       "x: TGA of 24 bytes: columns from right to left, expected left to right");
  check_refused_by_stb(
      encode_tga(1, 1, "", {.type = 1, .bits = 8, .colours = 2, .colour_bits = 24, .first_colour = 1}),
      "x: TGA of 18 bytes: a palette that begins at another colour or has none, expected one from colour 0 "
      "on");
}

TEST_CASE("truncated BMP, PNM and TGA files are refused, though stb_image would invent the rest") {
  check_every_cut(encode_bmp(3, 3, std::string(36, 'x')), 3);  // the padding of the last row
  check_every_cut(encode_bmp(2, 3, std::string(8, '\x10'), {.bits = 4, .after = two_colours}), 2);
  check_every_cut("P5 9 9 255\n" + std::string(81, 'x'));
  check_every_cut("P6 5 5 255\n" + std::string(75, 'x'));
  check_every_cut(encode_tga(5, 4, std::string(60, 'x')));
  check_every_cut(encode_tga(4, 5, "\x8f\x01\x02\x03\x03" + std::string(12, 'x'), {.type = 10}));
  check_refused_by_stb("P5 9 9 255\nxyz", "x: PNM of 14 bytes: ends early, expected at least 92");
}

TEST_CASE("BMP, PNM and TGA: a file with a changed byte is decoded or refused") {
  for (const std::string& file :
       {encode_bmp(2, 2, std::string(16, 'x')),
        encode_bmp(1, 2, std::string(4, '\0'), {.bits = 8, .after = two_colours}),
        "P6 3 2 255\n" + std::string(18, 'x'), encode_tga(2, 2, std::string(12, 'x')),
        encode_tga(1, 5, "\x82\x01\x02\x03\x01\x01\x02\x03\x04\x05\x06", {.type = 10})})
    for (std::size_t at = 0; at < file.size(); ++at)
      for (int value = 0; value < 256; ++value) {
        std::string changed = file;
        changed[at] = char(value);
        message_of<DataError>([&] { decode_by_stb(changed); });  // any other exception fails the test
      }
}

TEST_CASE("BMP, PNM and TGA: a header that declares a huge image allocates no memory") {
  const std::string sizes = " pixels, expected sides of 1 to 16,384 and at most 89,500,000 pixels";
  check_refused_by_stb(encode_bmp(20'000, 1, ""), "x: declares 20,000 x 1" + sizes);
  check_refused_by_stb(encode_bmp(int(0x80000000U), 1, ""), "x: declares 2,147,483,648 x 1" + sizes);
  check_refused_by_stb(encode_bmp(0, 1, ""), "x: declares 0 x 1" + sizes);
  check_refused_by_stb("P6 16000 16000 255\n", "x: declares 16,000 x 16,000" + sizes);
  check_refused_by_stb(encode_tga(16'385, 1, ""), "x: declares 16,385 x 1" + sizes);
  check_refused_by_stb(encode_bmp(9'000, 9'000, ""),
                       "x: BMP of 54 bytes: ends early, expected at least 243,000,054");
}
