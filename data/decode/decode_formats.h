// The decoders behind decode_image, one file per format.
#pragma once

#include <algorithm>

#include "data/decode/decode.h"
#include "data/files.h"

namespace data {

// Shrinks by DecodeOptions::shrink and Part::scale while it decodes, in the frequency domain, which is
// faster. needed: of the image as it is stored.
void decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                 Image& into, const ChoosePart& needed = {});
void decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                Image& into);

// For builds that have these formats' libraries: CMake's DYAD_WEBP, DYAD_TIFF and DYAD_GIF.
void decode_webp(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                 Image& into);
void decode_tiff(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                 Image& into);
void decode_gif(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                Image& into);
std::string webp_version();  // of the library
std::string tiff_version();
std::string gif_version();

// The checked header of a file for stb_image (stb_headers.cpp).
struct StbHeader {
  const char* format = "";  // "BMP", "PNM", "TGA" or ""
  std::uint32_t height = 0, width = 0;
  std::uint64_t needed = 0;  // least size of the whole file, in bytes
  std::string wrong = "";    // a variant that stb_image decodes wrongly: "is compressed, expected ..."
};
StbHeader read_stb_header(const std::uint8_t* bytes, std::size_t size);
void decode_stb(const StbHeader&, const std::uint8_t* bytes, std::size_t size, const std::string& name,
                Image& into);

// Throws DataError if a declared size exceeds the limits or has more than `most` pixels, the number that the
// file's bytes can hold at the format's best compression. A small file can therefore never cause a large
// allocation.
void check_size(std::uint32_t height, std::uint32_t width, const std::string& name, std::uint64_t most);
void resize(Image&, int height, int width);
// Both.
void set_size(Image&, std::uint32_t height, std::uint32_t width, const std::string& name, std::uint64_t most);

// The most pixels that a file of a format may declare whose compression has no bound: an image of one colour
// takes a few bytes. 2^24 whatever its size, so that a small file can't cause a large allocation, and beyond
// that as many as JPEG's blocks can hold.
constexpr std::uint64_t unbounded_pixels(std::size_t size) {
  return std::max<std::uint64_t>(1 << 24, std::uint64_t(size) * 8 * 256);
}

// A level of red, green or blue of CMYK as Pillow computes it: paper - round(ink paper / 255), where paper is
// 255 without black.
constexpr std::uint8_t level_of_ink(int ink, int paper) {
  const int t = ink * paper + 128;
  return static_cast<std::uint8_t>(paper - (((t >> 8) + t) >> 8));
}

// 16-bit samples -> 8-bit RGB by DecodeOptions::sixteen, and their range. channels: as in `samples`, 1 to 4;
// the second of two and the fourth are alpha. `into` has its size.
void narrow(const std::vector<std::uint16_t>& samples, std::size_t channels, const DecodeOptions&,
            Image& into);

}  // namespace data
