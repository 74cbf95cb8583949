#include "data/decode/exif.h"

#include <cstring>
#include <utility>

#include "data/decode/shrink.h"

namespace data {

// TIFF: "II" (little-endian) or "MM", 42, the offset of the first directory. A directory entry has 12 bytes:
// tag, type, count, value.
int tiff_orientation(const std::uint8_t* tiff, std::size_t size) {
  if (size < 8 || (std::memcmp(tiff, "II", 2) != 0 && std::memcmp(tiff, "MM", 2) != 0)) return 1;
  const bool little = tiff[0] == 'I';
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | tiff[at + (little ? bytes - 1 - i : i)];
    return value;
  };
  const std::size_t directory = number(4, 4);
  if (directory > size - 2) return 1;
  const std::size_t entries = number(directory, 2);
  for (std::size_t e = 0, at = directory + 2; e < entries && at + 12 <= size; ++e, at += 12) {
    if (number(at, 2) != 0x0112) continue;
    const std::size_t value = number(at + 8, 2);
    return number(at + 2, 2) == 3 && value >= 1 && value <= 8 ? int(value) : 1;
  }
  return 1;
}

int exif_orientation(const std::uint8_t* jpeg, std::size_t size) {
  constexpr std::uint8_t app1 = 0xe1, start_of_scan = 0xda;
  for (std::size_t at = 2; at + 4 <= size && jpeg[at] == 0xff;) {
    const std::uint8_t marker = jpeg[at + 1];
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    const std::size_t length = std::size_t(jpeg[at + 2]) << 8 | jpeg[at + 3];  // includes its own two bytes
    if (marker == start_of_scan || length < 2 || length > size - at - 2) return 1;
    if (marker == app1 && length >= 8 && std::memcmp(jpeg + at + 4, "Exif\0\0", 6) == 0)
      return tiff_orientation(jpeg + at + 10, length - 8);
    at += 2 + length;
  }
  return 1;
}

namespace {

// 5 to 8 exchange rows and columns; then some mirror rows, columns or both
bool mirrors_rows(int o) { return o == 3 || o == 4 || o == 6 || o == 7; }
bool mirrors_columns(int o) { return o == 2 || o == 3 || o == 7 || o == 8; }

// In the stored image, whose size is height x width.
Box mirrored(Box box, int orientation, int height, int width) {
  if (mirrors_rows(orientation)) box.top = height - box.top - box.height;
  if (mirrors_columns(orientation)) box.left = width - box.left - box.width;
  return box;
}

Box transposed_box(const Box& box, int orientation) {
  return exchanges_sides(orientation) ? Box{box.left, box.top, box.width, box.height} : box;
}

}  // namespace

bool exchanges_sides(int orientation) { return orientation >= 5; }

Box stored_box(const Box& upright, int orientation, int height, int width) {
  return mirrored(transposed_box(upright, orientation), orientation, height, width);
}

Box upright_box(const Box& stored, int orientation, int height, int width) {
  return transposed_box(mirrored(stored, orientation, height, width), orientation);
}

void apply_orientation(Image& image) {
  if (image.orientation == 1) return;
  const bool transposed = exchanges_sides(image.orientation);
  const int height = transposed ? image.width : image.height, width = transposed ? image.height : image.width;
  std::vector<std::uint8_t> turned(image.pixels.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      int row = transposed ? x : y, column = transposed ? y : x;  // of the stored image
      if (mirrors_rows(image.orientation)) row = image.height - 1 - row;
      if (mirrors_columns(image.orientation)) column = image.width - 1 - column;
      std::memcpy(&turned[(std::size_t(y) * std::size_t(width) + std::size_t(x)) * 3],
                  &image.pixels[(std::size_t(row) * std::size_t(image.width) + std::size_t(column)) * 3], 3);
    }
  if (image.source) {
    Source& s = *image.source;
    const Box stored{s.top, s.left, image.height, image.width};
    const Box upright =
        upright_box(stored, image.orientation, divided(s.height, s.scale), divided(s.width, s.scale));
    s.top = upright.top, s.left = upright.left;
    if (transposed) std::swap(s.height, s.width);
  }
  image.height = height;
  image.width = width;
  image.pixels = std::move(turned);
}

}  // namespace data
