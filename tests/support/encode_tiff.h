// Small TIFF files, assembled by hand.
#pragma once

#include <map>

#include "tests/support/encode_stb.h"

// Tags of a page by their numbers, all written as 32 bits.
using TiffTags = std::map<int, std::vector<std::uint32_t>>;

// Uncompressed RGB of 8 bits, in one strip.
inline TiffTags tiff_tags(int height, int width, const TiffTags& more = {}) {
  TiffTags tags = {{256, {std::uint32_t(width)}},
                   {257, {std::uint32_t(height)}},
                   {258, {8, 8, 8}},
                   {259, {1}},
                   {262, {2}},
                   {277, {3}}};
  for (const auto& [tag, values] : more) tags[tag] = values;
  return tags;
}

// pixels: the strip (273, 279), unless `tags` has places of its own.
inline std::string encode_tiff(TiffTags tags, const std::string& pixels) {
  if (!tags.contains(324)) {
    tags.try_emplace(273, std::vector<std::uint32_t>{8});
    tags.try_emplace(279, std::vector<std::uint32_t>{std::uint32_t(pixels.size())});
  }
  const auto start = std::uint32_t(8 + pixels.size());
  std::string entries, values;
  for (const auto& [tag, numbers] : tags) {
    std::string packed;
    for (const std::uint32_t n : numbers) packed += little_endian(n, 4);
    entries += little_endian(std::uint32_t(tag), 2) + little_endian(4, 2) +
               little_endian(std::uint32_t(numbers.size()), 4);
    if (packed.size() > 4) {
      const std::size_t behind = start + 2 + 12 * tags.size() + 4;
      entries += little_endian(std::uint32_t(behind + values.size()), 4);
      values += packed;
    } else {
      entries += packed;
    }
  }
  return std::string("II*\0", 4) + little_endian(start, 4) + pixels +
         little_endian(std::uint32_t(tags.size()), 2) + entries + little_endian(0, 4) + values;
}
