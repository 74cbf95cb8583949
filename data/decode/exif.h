// The orientation that a JPEG's EXIF data ask a viewer for. Training does not turn images, as torchvision's
// loader does not; `dyad data check` says how many there are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace data {

int exif_orientation(const std::uint8_t* jpeg, std::size_t size);  // 1 to 8; 1: upright, or not said

}  // namespace data
