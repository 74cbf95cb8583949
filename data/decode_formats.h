// The decoders behind decode_image, one file a format.
#pragma once

#include "data/decode.h"
#include "data/files.h"

namespace data {

void decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into);
void decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into);

// Gives the image a declared size; refuses one that is beyond the limits.
void set_size(Image&, std::uint32_t height, std::uint32_t width, const std::string& name);

}  // namespace data
