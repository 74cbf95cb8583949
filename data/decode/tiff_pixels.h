// What the samples of a TIFF mean, and their conversion to RGB as Pillow's convert("RGB") does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace data {

struct TiffPixels {
  int photometric = 0;  // TIFF's number: 0 grey, 0 is white; 1 grey, 0 is black; 2 RGB; 3 palette; 5 CMYK
  int bits = 1;         // of a sample: 1, 2, 4, 8 or 16
  std::uint16_t samples = 1;               // of a pixel, with alpha and others that are dropped
  bool premultiplied = false;              // the colours are multiplied by the first of the others, alpha
  std::vector<std::uint8_t> palette = {};  // RGB of each of 2^bits indices

  std::string wrong() const;    // a kind that isn't read: "..., expected ..."; "" if it is
  std::size_t colours() const;  // samples of a pixel that are colours
  bool keeps_sixteen() const;   // DecodeOptions::sixteen says how 8 bits are made of the samples

  // count: of pixels. row: their samples, pixel by pixel, packed from the high bits down; 16 bits in the
  // machine's order.
  void to_rgb(const std::uint8_t* row, std::size_t count, std::uint8_t* rgb) const;
  void copy_sixteen(const std::uint8_t* row, std::size_t count, std::uint16_t* to) const;  // colours only

  // A row whose samples lie in planes, `plane` bytes apart, as one of pixels. Made in `memory`.
  const std::uint8_t* interleaved(const std::uint8_t* row, std::size_t plane, std::size_t count,
                                  std::vector<std::uint8_t>& memory) const;
};

}  // namespace data
