// JPEG files with an EXIF segment.
#pragma once

#include <string>

#include "tests/support/encode_stb.h"

// Puts an EXIF segment of one entry into a JPEG.
inline std::string with_exif_entry(std::string jpeg, bool little, int tag, int type, int value) {
  const auto number = [little](int v, int bytes) {
    std::string text = little_endian(std::uint32_t(v), bytes);
    return little ? text : std::string(text.rbegin(), text.rend());
  };
  const std::string tiff = (little ? "II" : "MM") + number(42, 2) + number(8, 4) + number(1, 2) +
                           number(tag, 2) + number(type, 2) + number(1, 4) + number(value, 2) + number(0, 2) +
                           number(0, 4);
  const std::string segment = std::string("Exif\0\0", 6) + tiff;
  const std::size_t length = segment.size() + 2;
  return jpeg.insert(2, std::string("\xff\xe1", 2) + char(length >> 8) + char(length & 255) + segment);
}

inline std::string with_exif(const std::string& jpeg, int orientation) {
  return with_exif_entry(jpeg, true, 0x0112, 3, orientation);
}
