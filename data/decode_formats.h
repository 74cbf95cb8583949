// The decoders behind decode_image, one file a format.
#pragma once

#include "data/decode.h"
#include "data/files.h"

namespace data {

Image decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name);
Image decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name);

// Refuses a declared size that is beyond the limits.
void require_size(std::uint32_t height, std::uint32_t width, const std::string& name);

}  // namespace data
