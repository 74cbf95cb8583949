// The formats that are read by a library which a build may lack: CMake's DYAD_WEBP, DYAD_TIFF and DYAD_GIF.
#pragma once

#include "data/decode/decode_formats.h"

namespace data {

struct OptionalDecoder : OptionalFormat {
  bool (*begins)(const std::uint8_t* bytes, std::size_t size);  // whether a file begins as one of this format
  void (*decode)(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                 Image& into);  // nullptr: not built in
};

// nullptr: the bytes begin no file of these formats.
const OptionalDecoder* optional_decoder(const std::uint8_t* bytes, std::size_t size);

}  // namespace data
