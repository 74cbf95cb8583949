// Image files to 8-bit RGB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace data {

// What is decoded; a header that declares more is refused before any memory is taken.
constexpr int max_side = 16384;
constexpr std::int64_t max_pixels = 89'500'000;  // Pillow's limit
constexpr int max_scans = 100;                   // of a progressive JPEG; encoders write about ten

// JPEG, PNG, BMP, PNM (binary grey and colour) and TGA. The format is told by the first bytes, whatever the
// name. Grey, palette, CMYK and 16-bit images become RGB as Pillow's convert("RGB") makes them, but 16-bit
// grey keeps its high byte; alpha is dropped; an orientation in EXIF is not applied, as in torchvision. An
// image that is not whole is a DataError that begins with `name`. The second form uses the memory of `into`.
Image decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name);
void decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into);

// Endings of the names of image files, with the dot, in lower case.
const std::vector<std::string>& image_endings();

}  // namespace data
