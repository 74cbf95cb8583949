#include <array>

#include "tests/bad_inputs/bad_input.h"
#include "tests/support/raw_bytes.h"

namespace {

// deflate without compression: blocks of at most 65,535 bytes.
std::string zlib(const std::string& bytes) {
  std::string text = "\x78\x01";
  std::uint32_t a = 1, b = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 65535) {
    const auto count = std::uint32_t(std::min<std::size_t>(65535, bytes.size() - at));
    text += char(at + count == bytes.size());
    for (const std::uint32_t n : {count, ~count}) text += {char(n), char(n >> 8)};
    text += bytes.substr(at, count);
  }
  for (const char c : bytes) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return text + big_endian(b << 16 | a);
}

std::string chunk(const std::string& type, const std::string& data) {
  return big_endian(std::uint32_t(data.size())) + type + data + big_endian(crc32(type + data));
}

struct Header {
  std::uint32_t width = 2, height = 2;
  int bits = 8, colour = 2;  // 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  int compression = 0, filter = 0, interlace = 0;
};

std::string ihdr(const Header& h) {
  return chunk("IHDR", big_endian(h.width) + big_endian(h.height) + char(h.bits) + char(h.colour) +
                           char(h.compression) + char(h.filter) + char(h.interlace));
}

const std::string signature = "\x89PNG\r\n\x1a\n";
const std::string end = chunk("IEND", "");
const std::string rows(14, '\0');  // two rows of 2 x 2 RGB, each with its filter byte

// A PNG of 2 x 2: the header, chunks before the pixels, the pixels.
std::string png(const Header& h = {}, const std::string& before = "",
                const std::string& idat = chunk("IDAT", zlib(rows)), const std::string& after = end) {
  return signature + ihdr(h) + before + idat + after;
}

std::string with(std::string file, std::size_t at, const std::string& bytes) {
  return file.replace(at, bytes.size(), bytes);
}

}  // namespace

std::vector<BadImage> bad_pngs() {
  const std::string good = png(), zero(1, '\0');
  const std::string palette = chunk("PLTE", "abcdef"), pixels = chunk("IDAT", zlib(rows));
  const Header indexed{.colour = 3};
  const std::string indices = chunk("IDAT", zlib(std::string("\0\0\1\0\0\1", 6)));
  const std::size_t idat = 8 + 25;  // offset of its length
  return {
      {"png: the signature alone", signature, "PNG...end of stream, expected a whole"},
      {"png: cut in the header", good.substr(0, 20), "PNG...end of stream, expected a whole"},
      {"png: cut after the header", good.substr(0, idat), "PNG...end of stream, expected a whole"},
      {"png: cut in the pixels", good.substr(0, idat + 15), "PNG...end of stream, expected a whole"},
      {"png: cut before the end", good.substr(0, good.size() - 12), "PNG...end of stream, expected a whole"},
      {"png: cut in the end", good.substr(0, good.size() - 7), "PNG...end of stream, expected a whole"},
      {"png: a signature that mail has changed", with(good, 4, "\n\n"), "not an image, expected a JPEG"},
      {"png: the header's checksum", with(good, 29, zero), "PNG...invalid chunk checksum, expected a whole"},
      {"png: a header of 12 bytes", signature + chunk("IHDR", std::string(12, '\1')) + pixels + end,
       "PNG...invalid IHDR chunk size, expected a whole"},
      {"png: width 0", png({.width = 0}), "PNG...invalid image width, expected a whole"},
      {"png: height 0", png({.height = 0}), "PNG...invalid image height, expected a whole"},
      {"png: width 2^31", png({.width = 0x80000000U}), "PNG...invalid image width, expected a whole"},
      {"png: 20,000 wide", png({.width = 20'000}), "declares 2 x 20,000 pixels, expected sides"},
      {"png: 9,000 x 9,000 of 80 bytes", png({.width = 9'000, .height = 9'000}),
       "declares 9,000 x 9,000 pixels, expected at most 28,208"},
      {"png: 16,384 x 16,384 of 80 bytes", png({.width = 16'384, .height = 16'384, .bits = 1, .colour = 0}),
       "declares 16,384 x 16,384 pixels, expected sides"},
      {"png: 3 bits a sample", png({.bits = 3}), "PNG...invalid bit depth, expected a whole"},
      {"png: 0 bits a sample", png({.bits = 0}), "PNG...invalid bit depth, expected a whole"},
      {"png: 4 bits a sample of RGB", png({.bits = 4}), "PNG...invalid bit depth, expected a whole"},
      {"png: 16 bits of a palette", png({.bits = 16, .colour = 3}, palette),
       "PNG...invalid bit depth, expected a whole"},
      {"png: colour type 5", png({.colour = 5}), "PNG...invalid color type, expected a whole"},
      {"png: colour type 255", png({.colour = 255}), "PNG...invalid color type, expected a whole"},
      {"png: compression 1", png({.compression = 1}), "PNG...invalid compression method, expected a whole"},
      {"png: filter 1", png({.filter = 1}), "PNG...invalid filter method, expected a whole"},
      {"png: interlace 2", png({.interlace = 2}), "PNG...invalid interlace method, expected a whole"},
      {"png: no header", signature + pixels + end, "PNG...invalid IHDR chunk size, expected a whole"},
      {"png: two headers", png({}, ihdr({})), "PNG...invalid chunk position, expected a whole"},
      {"png: no pixels", png({}, "", ""), "PNG...invalid chunk position, expected a whole"},
      {"png: no palette", png(indexed, "", indices),
       "PNG...missing PLTE for indexed image, expected a whole"},
      {"png: a palette of no colour", png(indexed, chunk("PLTE", ""), indices),
       "PNG...invalid chunk length, expected a whole"},
      {"png: a palette of 257 colours", png(indexed, chunk("PLTE", std::string(771, 'x')), indices),
       "PNG...invalid chunk length, expected a whole"},
      {"png: a palette of 7 bytes", png(indexed, chunk("PLTE", "abcdefg"), indices),
       "PNG...invalid chunk length, expected a whole"},
      {"png: a palette after the pixels", png(indexed, "", indices + palette),
       "PNG...missing PLTE for indexed image, expected a whole"},
      {"png: the pixels' checksum", with(good, good.size() - 13, "\x55"),
       "PNG...invalid chunk checksum, expected a whole"},
      {"png: no zlib stream", png({}, "", chunk("IDAT", "these are not pixels")),
       "PNG...IDAT stream error, expected a whole"},
      {"png: a zlib window that is too large", png({}, "", chunk("IDAT", with(zlib(rows), 0, "\xf8\x1d"))),
       "PNG...IDAT stream error, expected a whole"},
      {"png: a deflate block of unknown kind", png({}, "", chunk("IDAT", with(zlib(rows), 2, "\x07"))),
       "PNG...IDAT stream error, expected a whole"},
      {"png: a stored block of two lengths", png({}, "", chunk("IDAT", with(zlib(rows), 3, "\x0d"))),
       "PNG...IDAT stream error, expected a whole"},
      {"png: rows that are missing", png({}, "", chunk("IDAT", zlib(rows.substr(7)))),
       "PNG...IDAT stream too short, expected a whole"},
      {"png: a row that is cut", png({}, "", chunk("IDAT", zlib(rows.substr(2)))),
       "PNG...IDAT stream too short, expected a whole"},
      {"png: filter 5 of a row", png({}, "", chunk("IDAT", zlib(with(rows, 7, "\x05")))),
       "PNG...invalid scanline filter, expected a whole"},
      {"png: a chunk of 2^31 bytes", with(good, idat, "\x80"),
       "PNG...chunk exceeds maximum standard length, expected a whole"},
      {"png: a chunk beyond the end", with(good, idat + 2, "\x40"), "PNG...end of stream, expected a whole"},
      {"png: an unknown chunk that must be known", png({}, chunk("ABCD", "x")),
       "PNG...unknown critical chunk, expected a whole"},
      {"png: a chunk of no name", png({}, chunk("\1\2\3\4", "x")),
       "PNG...unknown critical chunk, expected a whole"},
      {"png: pixels in two places",
       png({}, pixels.substr(0, 0) + chunk("IDAT", zlib(rows).substr(0, 9)),
           chunk("tEXt", std::string("a\0b", 3)) + chunk("IDAT", zlib(rows).substr(9))),
       "PNG...IDAT stream too short, expected a whole"},
      {"png: text of 80 MB", png({}, chunk("tEXt", std::string("a\0", 2) + std::string(80 << 20, 'x'))),
       "PNG...reached chunk/cache limits, expected a whole"},
      {"png: interlaced, cut", png({.interlace = 1}, "", chunk("IDAT", zlib(std::string(7, '\0')))),
       "PNG...IDAT stream too short, expected a whole"},
  };
}
