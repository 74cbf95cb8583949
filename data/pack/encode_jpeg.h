// Writes JPEG, for packed data sets. (decode/ reads.)
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"

namespace data {

// A baseline JPEG of an image. quality: 1 to 100, as libjpeg and Pillow count it; 4:2:0, as their default.
std::vector<std::uint8_t> encode_jpeg_file(const Image&, int quality);

}  // namespace data
