// Decodes image files to 8-bit RGB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace data {

// Limits of an image. A header that declares more is refused before any memory is allocated.
constexpr int max_side = 16384;
constexpr std::int64_t max_pixels = 89'500'000;  // Pillow's limit
constexpr int max_scans = 100;                   // of a progressive JPEG; encoders write about ten

// Decodes JPEG, PNG, BMP, PNM (binary grey and colour), TGA, and where the build has their libraries, WebP,
// TIFF and GIF: the first page or frame of each. The first bytes determine the format, not the file name.
// Grey, palette and CMYK images are converted like Pillow's convert("RGB"), 16-bit images as the options say.
// Alpha is dropped. By default, as in torchvision, the EXIF orientation is not applied, but TIFF's own is. An
// incomplete or invalid image is a DataError that begins with `name`. The second form reuses the memory of
// `into`. needed: if it is given, it is asked with the size of the image, as the options make it, and `into`
// becomes the part that it names, with the same pixels as in the whole image unless Part::scale is above 1,
// which JPEG follows only. A file that is refused as a whole is refused in part.
Image decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name,
                   const DecodeOptions& = {});
void decode_image(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into,
                  const DecodeOptions& = {}, const ChoosePart& needed = {});

// A format that is read by a library which a build may lack. A file of it is then a DataError that says so.
struct OptionalFormat {
  std::string format;   // "WebP"
  std::string library;  // "libwebp"
  std::string package;  // that has it on Debian: "libwebp-dev"
  std::string version;  // of the library; "" if the build lacks it
};
const std::vector<OptionalFormat>& optional_formats();

// File name extensions of images, with the dot, in lower case.
const std::vector<std::string>& image_endings();

}  // namespace data
