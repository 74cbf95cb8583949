#include "data/decode.h"

#include <cstring>

#include "data/decode_formats.h"
#include "engine/error.h"

namespace data {

using engine::require_data;

void set_size(Image& image, std::uint32_t height, std::uint32_t width, const std::string& name) {
  require_data(height >= 1 && width >= 1 && height <= std::uint32_t(max_side) &&
                   width <= std::uint32_t(max_side) && std::int64_t(height) * width <= max_pixels,
               name, ": declares ", with_commas(height), " x ", with_commas(width),
               " pixels, expected sides of 1 to ", with_commas(max_side), " and at most ",
               with_commas(max_pixels), " pixels");
  image.height = int(height);
  image.width = int(width);
  image.pixels.resize(std::size_t(height) * width * 3);
}

void decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into) {
  static const std::uint8_t jpeg[] = {0xff, 0xd8, 0xff};
  static const std::uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto begins_with = [&](const std::uint8_t* magic, std::size_t count) {
    return size >= count && std::memcmp(bytes, magic, count) == 0;
  };
  if (begins_with(jpeg, sizeof jpeg)) return decode_jpeg(bytes, size, name, into);
  if (begins_with(png, sizeof png)) return decode_png(bytes, size, name, into);
  require_data(false, name, size == 0 ? ": is empty" : ": not an image", ", expected a JPEG or PNG file");
}

Image decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name) {
  Image image;
  decode_image(bytes, size, name, image);
  return image;
}

}  // namespace data
