#include "data/decode/optional_formats.h"

#include <cstring>

namespace data {
namespace {

bool bytes_at(std::size_t at, const char* magic, std::size_t count, const std::uint8_t* bytes,
              std::size_t size) {
  return size >= at + count && std::memcmp(bytes + at, magic, count) == 0;
}

bool begins_webp(const std::uint8_t* bytes, std::size_t size) {
  return bytes_at(0, "RIFF", 4, bytes, size) && bytes_at(8, "WEBP", 4, bytes, size);
}

// 42, or 43 in a file with offsets of 64 bits (BigTIFF), in either order of bytes.
bool begins_tiff(const std::uint8_t* bytes, std::size_t size) {
  return bytes_at(0, "II*\0", 4, bytes, size) || bytes_at(0, "MM\0*", 4, bytes, size) ||
         bytes_at(0, "II+\0", 4, bytes, size) || bytes_at(0, "MM\0+", 4, bytes, size);
}

bool begins_gif(const std::uint8_t* bytes, std::size_t size) {
  return bytes_at(0, "GIF87a", 6, bytes, size) || bytes_at(0, "GIF89a", 6, bytes, size);
}

const std::vector<OptionalDecoder>& optional_decoders() {
  static const std::vector<OptionalDecoder> all = {
#ifdef DYAD_WEBP
      {{"WebP", "libwebp", "libwebp-dev", webp_version()}, begins_webp, decode_webp},
#else
      {{"WebP", "libwebp", "libwebp-dev", ""}, begins_webp, nullptr},
#endif
#ifdef DYAD_TIFF
      {{"TIFF", "libtiff", "libtiff-dev", tiff_version()}, begins_tiff, decode_tiff},
#else
      {{"TIFF", "libtiff", "libtiff-dev", ""}, begins_tiff, nullptr},
#endif
#ifdef DYAD_GIF
      {{"GIF", "giflib", "libgif-dev", gif_version()}, begins_gif, decode_gif},
#else
      {{"GIF", "giflib", "libgif-dev", ""}, begins_gif, nullptr},
#endif
  };
  return all;
}

}  // namespace

const OptionalDecoder* optional_decoder(const std::uint8_t* bytes, std::size_t size) {
  for (const OptionalDecoder& d : optional_decoders())
    if (d.begins(bytes, size)) return &d;
  return nullptr;
}

const std::vector<OptionalFormat>& optional_formats() {
  static const std::vector<OptionalFormat> all(optional_decoders().begin(), optional_decoders().end());
  return all;
}

}  // namespace data
