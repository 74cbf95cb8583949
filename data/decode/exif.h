// The EXIF orientation of a JPEG or PNG. Like torchvision's loader, training does not turn images by it,
// unless asked to. `dyad data check` counts the images that have one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "data/dataset.h"

namespace data {

int exif_orientation(const std::uint8_t* jpeg, std::size_t size);  // 1 to 8; 1: upright or absent
int tiff_orientation(const std::uint8_t* tiff,
                     std::size_t size);  // of EXIF's content, as in PNG's chunk eXIf

bool exchanges_sides(int orientation);  // whether rows become columns

// Where a box of the upright image lies in the stored one of height x width pixels, and the other way round.
Box stored_box(const Box& upright, int orientation, int height, int width);
Box upright_box(const Box& stored, int orientation, int height, int width);

// Turns and mirrors the pixels, and their place in image.source, by image.orientation, which keeps its value.
void apply_orientation(Image& image);

}  // namespace data
