// The EXIF orientation of a JPEG. Like torchvision's loader, training does not rotate images by it. `dyad
// data check` counts the images that have one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace data {

int exif_orientation(const std::uint8_t* jpeg, std::size_t size);  // 1 to 8; 1: upright or absent

}  // namespace data
