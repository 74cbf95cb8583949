// Checks the headers of BMP, PNM and TGA files before stb_image gets them. stb_image (2.27 in Debian 12) is
// written for trusted files: it replaces missing bytes by zeros, and decodes some rare variants wrongly.
#include <algorithm>
#include <cstdlib>

#include "data/decode/decode_formats.h"
#include "engine/error.h"

namespace data {
namespace {

using engine::concat_text;

// Reads little-endian numbers; bytes beyond the end are 0.
struct Bytes {
  const std::uint8_t* data;
  std::size_t size;

  std::uint32_t byte(std::uint64_t at) const { return at < size ? data[at] : 0; }
  std::uint32_t u16(std::uint64_t at) const { return byte(at) | byte(at + 1) << 8; }
  std::uint32_t u32(std::uint64_t at) const { return u16(at) | u16(at + 2) << 16; }
};

// The largest palette index in the rows that begin at byte `at`.
std::uint32_t largest_index(const Bytes& b, std::uint64_t at, std::uint32_t height, std::uint32_t width,
                            std::uint32_t bits, std::uint64_t row) {
  std::uint32_t largest = 0;
  for (std::uint32_t y = 0; y < height; ++y)
    for (std::uint32_t x = 0; x < width; ++x) {
      const std::uint64_t bit = std::uint64_t(x) * bits;
      const std::uint32_t byte = b.byte(at + y * row + bit / 8);
      largest = std::max(largest, byte >> (8 - bits - bit % 8) & ((1U << bits) - 1));
    }
  return largest;
}

// BITMAPFILEHEADER (14 bytes), then a header whose length identifies its version.
StbHeader read_bmp(const Bytes& b) {
  StbHeader h{.format = "BMP"};
  const std::uint32_t offset = b.u32(10), header = b.u32(14), bits = b.u16(28), compression = b.u32(30);
  h.width = b.u32(18);
  const std::uint32_t height = b.u32(22);  // signed: negative if the top row comes first
  h.height = height >= 0x80000000U ? ~height + 1 : height;
  h.needed = 14 + std::uint64_t(header);
  if (header != 40 && header != 56 && header != 108 && header != 124) {
    h.wrong = concat_text("a header of ", header, " bytes, expected 40, 56, 108 or 124");
    h.needed = 0;
    return h;
  }
  if (b.size < h.needed) return h;
  const bool palette = bits == 1 || bits == 4 || bits == 8;
  if (!palette && bits != 16 && bits != 24 && bits != 32) {
    h.wrong = concat_text(bits, " bits a pixel, expected 1, 4, 8, 16, 24 or 32");
    return h;
  }
  if (compression != 0 && (compression != 3 || palette || bits == 24)) {
    h.wrong = concat_text("compression ", compression, " with ", bits, " bits a pixel, expected none");
    return h;
  }
  if (offset < h.needed) {
    h.wrong = concat_text("pixels at byte ", offset, ", expected at least ", h.needed);
    return h;
  }
  if (const std::uint32_t colors = b.u32(46); palette && colors > 65536) {
    h.wrong = concat_text("a palette of ", colors, " colours, expected at most 65536");
    return h;
  }
  const std::uint64_t row_bits = std::uint64_t(h.width) * bits, row = (row_bits + 31) / 32 * 4;
  if (h.height > 0) h.needed = offset + (h.height - 1) * row + (row_bits + 7) / 8;
  if (!palette || b.size < h.needed || h.width > std::uint32_t(max_side) ||
      h.height > std::uint32_t(max_side))
    return h;
  const std::uint32_t entries = (offset - 14 - header) / 4;
  const bool whole_palette = entries >= 1U << bits;
  const std::uint32_t used = whole_palette ? 0 : largest_index(b, offset, h.height, h.width, bits, row);
  if (!whole_palette && used >= entries)
    h.wrong = concat_text("a pixel of colour ", used, ", expected less than the palette's ", entries);
  return h;
}

// "P5" or "P6", width, height and maximum, each after white space and comments; one white space; the samples.
StbHeader read_pnm(const Bytes& b) {
  StbHeader h{.format = "PNM"};
  const auto space = [](std::uint32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  std::uint64_t at = 2;
  const auto number = [&]() -> std::uint32_t {
    for (; space(b.byte(at)) || b.byte(at) == '#'; ++at)
      if (b.byte(at) == '#')
        while (at < b.size && b.byte(at) != '\n' && b.byte(at) != '\r') ++at;
    std::uint32_t value = 0;
    const std::uint64_t first = at;
    for (; b.byte(at) >= '0' && b.byte(at) <= '9'; ++at)  // saturates
      value = std::min(100'000'000U, value * 10 + b.byte(at) - '0');
    if (at == first && h.wrong.empty())
      h.wrong = concat_text("no number at byte ", at, ", expected width, height and maximum");
    return value;
  };
  h.width = number();
  h.height = number();
  const std::uint32_t most = number();
  if (h.wrong.empty() && most != 255) h.wrong = concat_text("samples of 0 to ", most, ", expected 0 to 255");
  if (h.wrong.empty() && !space(b.byte(at)))
    h.wrong = concat_text("no white space at byte ", at, ", expected one before the samples");
  const std::uint64_t samples = b.byte(1) == '6' ? 3 : 1;
  h.needed = at + 1 + samples * h.width * h.height;
  return h;
}

// The packets of a run-length coded TGA that begin at byte `at` produce `pixels` pixels. Sets the byte behind
// them, or b.size + 1 if the file ends first. A packet may cross the end of a row, as those of many encoders
// do, but not that of the image.
void read_packets(StbHeader& h, const Bytes& b, std::uint64_t at, std::uint64_t pixels, std::uint32_t bytes) {
  while (pixels > 0 && at < b.size) {
    const std::uint32_t packet = b.byte(at), count = 1 + (packet & 127);
    if (count > pixels && h.wrong.empty())
      h.wrong = concat_text("a packet of ", count, " pixels at byte ", at, ", expected at most the ", pixels,
                            " that are left");
    at += 1 + std::uint64_t(packet >= 128 ? 1 : count) * bytes;
    pixels -= std::min<std::uint64_t>(pixels, count);
  }
  h.needed = pixels > 0 ? b.size + 1 : at;
}

// TGA has no magic number: a file counts as TGA if every header field has a value that the format defines.
StbHeader read_tga(const Bytes& b) {
  const std::uint32_t mapped = b.byte(1), type = b.byte(2), entry_bits = b.byte(7), bits = b.byte(16);
  const auto one_of = [](std::uint32_t v, std::initializer_list<std::uint32_t> list) {
    return std::ranges::find(list, v) != list.end();
  };
  const std::uint32_t kind = type & 7;  // 1: palette, 2: colour, 3: grey; 8 more: run-length coded
  const bool known = mapped <= 1 && one_of(type, {1, 2, 3, 9, 10, 11}) && (mapped == 1) == (kind == 1);
  const bool depth = kind == 1   ? one_of(bits, {8, 16}) && one_of(entry_bits, {8, 15, 16, 24, 32})
                     : kind == 2 ? one_of(bits, {15, 16, 24, 32})
                                 : one_of(bits, {8, 16});
  if (b.size < 18 || !known || !depth || b.u16(12) == 0 || b.u16(14) == 0 || (b.byte(17) & 0xc0) != 0)
    return {};
  StbHeader h{.format = "TGA", .height = b.u16(14), .width = b.u16(12)};
  const std::uint32_t entries = mapped == 1 ? b.u16(5) : 0;
  if ((b.byte(17) & 0x10) != 0) h.wrong = "columns from right to left, expected left to right";
  if (mapped == 1 && (b.u16(3) != 0 || entries == 0))
    h.wrong = "a palette that begins at another colour or has none, expected one from colour 0 on";
  const std::uint64_t begin = 18 + b.byte(0) + std::uint64_t(entries) * ((entry_bits + 7) / 8);
  const std::uint64_t pixels = std::uint64_t(h.height) * h.width;
  const std::uint32_t bytes = (bits + 7) / 8;
  h.needed = begin + pixels * bytes;
  if (type >= 8) read_packets(h, b, begin, pixels, bytes);
  return h;
}

}  // namespace

StbHeader read_stb_header(const std::uint8_t* bytes, std::size_t size) {
  const Bytes b{bytes, size};
  if (size >= 2 && b.byte(0) == 'B' && b.byte(1) == 'M') return read_bmp(b);
  if (size >= 3 && b.byte(0) == 'P' && (b.byte(1) == '5' || b.byte(1) == '6')) return read_pnm(b);
  return read_tga(b);
}

}  // namespace data
