// The decoders behind decode_image, one file per format.
#pragma once

#include "data/decode/decode.h"
#include "data/files.h"

namespace data {

// Shrinks by DecodeOptions::shrink while it decodes, in the frequency domain, which is faster.
void decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                 Image& into);
void decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                Image& into);

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

}  // namespace data
