// Small BMP, PNM and TGA files, assembled by hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

inline std::string little_endian(std::uint32_t v, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += char(v >> 8 * i);
  return text;
}

struct BmpHeader {
  std::uint32_t bits = 24;
  std::uint32_t compression = 0;
  std::uint32_t header = 40;  // its first bytes, at most 40
  std::string after = "";     // between header and pixels: masks, or a palette of 4 bytes per colour
  std::uint32_t planes = 1;
};

// rows: from the bottom up (from the top down if the height is negative), each padded to 4 bytes.
inline std::string encode_bmp(int height, int width, const std::string& rows, const BmpHeader& h = {}) {
  const auto offset = std::uint32_t(14 + 40 + h.after.size());
  return "BM" + little_endian(std::uint32_t(offset + rows.size()), 4) + little_endian(0, 4) +
         little_endian(offset, 4) + little_endian(h.header, 4) + little_endian(std::uint32_t(width), 4) +
         little_endian(std::uint32_t(height), 4) + little_endian(h.planes, 2) + little_endian(h.bits, 2) +
         little_endian(h.compression, 4) + std::string(20, '\0') + h.after + rows;
}

struct TgaHeader {
  int type = 2;         // 1: palette, 2: colour, 3: grey; 8 more: run-length coded
  int bits = 24;        // per pixel
  int descriptor = 32;  // 32: from the top down
  int colours = 0, colour_bits = 0, first_colour = 0;
  std::string id = "";
};

// data: the palette and the pixels, blue first.
inline std::string encode_tga(int height, int width, const std::string& data, const TgaHeader& h = {}) {
  std::string file = {char(h.id.size()), char(h.colours > 0), char(h.type)};
  file += little_endian(std::uint32_t(h.first_colour), 2) + little_endian(std::uint32_t(h.colours), 2);
  file += char(h.colour_bits);
  file +=
      std::string(4, '\0') + little_endian(std::uint32_t(width), 2) + little_endian(std::uint32_t(height), 2);
  file += {char(h.bits), char(h.descriptor)};
  return file + h.id + data;
}
