#include "data/decode/decode.h"

#include <cstring>

#include "data/decode/cut.h"
#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "data/decode/optional_formats.h"
#include "data/decode/shrink.h"
#include "engine/error.h"
#include "engine/files/file_kind.h"

namespace data {

using engine::require_data;

void check_size(std::uint32_t height, std::uint32_t width, const std::string& name, std::uint64_t most) {
  const std::uint64_t pixels = std::uint64_t(height) * width;
  require_data(height >= 1 && width >= 1 && height <= std::uint32_t(max_side) &&
                   width <= std::uint32_t(max_side) && pixels <= std::uint64_t(max_pixels),
               name, ": declares ", with_commas(height), " x ", with_commas(width),
               " pixels, expected sides of 1 to ", with_commas(max_side), " and at most ",
               with_commas(max_pixels), " pixels");
  require_data(pixels <= most, name, ": declares ", with_commas(height), " x ", with_commas(width),
               " pixels, expected at most ", with_commas(most), ", which its bytes can hold");
}

void resize(Image& image, int height, int width) {
  image.height = height;
  image.width = width;
  image.pixels.resize(std::size_t(height) * std::size_t(width) * 3);
}

void set_size(Image& image, std::uint32_t height, std::uint32_t width, const std::string& name,
              std::uint64_t most) {
  check_size(height, width, name, most);
  resize(image, int(height), int(width));
}

void decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into,
                  const DecodeOptions& o, const ChoosePart& needed) {
  static const std::uint8_t jpeg[] = {0xff, 0xd8, 0xff};
  static const std::uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto begins_with = [&](const std::uint8_t* magic, std::size_t count) {
    return size >= count && std::memcmp(bytes, magic, count) == 0;
  };
  into.orientation = 1;
  into.sixteen_bit = false;
  into.source.reset();
  if (begins_with(jpeg, sizeof jpeg)) {
    const int orientation = exif_orientation(bytes, size);
    decode_jpeg(bytes, size, name, o, into, stored_part(needed, o.apply_exif ? orientation : 1));
    into.format = "JPEG";
    into.orientation = orientation;
  } else if (begins_with(png, sizeof png)) {
    decode_png(bytes, size, name, o, into);
    into.format = "PNG";
  } else if (const OptionalDecoder* optional = optional_decoder(bytes, size)) {
    require_data(optional->decode != nullptr, name, ": is a ", optional->format,
                 " image, which this build of dyad can't read: install ", optional->package,
                 " and build dyad again, or convert it to JPEG or PNG");
    optional->decode(bytes, size, name, o, into);
    into.format = optional->format.c_str();
  } else {
    const StbHeader header = read_stb_header(bytes, size);
    if (header.format[0] == '\0') {
      const std::string kind = engine::file_kind(bytes, size);
      require_data(false, name,
                   size == 0      ? ": is empty"
                   : kind.empty() ? ": not an image"
                                  : ": is ",
                   kind, ", expected a JPEG, PNG, WebP, TIFF, GIF, BMP, PNM or TGA file");
    }
    decode_stb(header, bytes, size, name, into);
    into.format = header.format;
  }
  if (!begins_with(jpeg, sizeof jpeg)) {
    shrink(into, shrink_factor(into.height, into.width, o.shrink));
    cut(into, stored_part(needed, o.apply_exif ? into.orientation : 1));
  }
  if (o.apply_exif) apply_orientation(into);
}

Image decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                   const DecodeOptions& o) {
  Image image;
  decode_image(bytes, size, name, image, o);
  return image;
}

const std::vector<std::string>& image_endings() {
  static const std::vector<std::string> endings = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff",
                                                   ".gif", ".bmp",  ".ppm", ".pgm",  ".pnm", ".tga"};
  return endings;
}

}  // namespace data
