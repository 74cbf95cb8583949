// The decoders behind decode_image, one file a format.
#pragma once

#include "data/decode/decode.h"
#include "data/files.h"

namespace data {

void decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into);
void decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into);

// A header that stb_image is given, after it has been checked (stb_headers.cpp).
struct StbHeader {
  const char* format = "";  // "BMP", "PNM", "TGA"; "": none of them
  std::uint32_t height = 0, width = 0;
  std::uint64_t needed = 0;  // bytes that the whole file has at least
  std::string wrong = "";    // what stb_image would read wrongly: "is compressed, expected ..."
};
StbHeader read_stb_header(const std::uint8_t* bytes, std::size_t size);
void decode_stb(const StbHeader&, const std::uint8_t* bytes, std::size_t size, const std::string& name,
                Image& into);

// Refuses a declared size that is beyond the limits.
void check_size(std::uint32_t height, std::uint32_t width, const std::string& name);

// Gives the image a declared size. Refuses one that is beyond the limits, or more than `most` pixels: what
// the file's bytes can hold at the format's best compression. So a small file never makes much memory be
// taken.
void set_size(Image&, std::uint32_t height, std::uint32_t width, const std::string& name, std::uint64_t most);

}  // namespace data
