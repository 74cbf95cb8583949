// Decoding a part of an image.
#pragma once

#include "data/dataset.h"

namespace data {

// What `needed` says of an upright image, as a part of the image as it is stored. orientation: EXIF's.
ChoosePart stored_part(const ChoosePart& needed, int orientation);

// What is needed of an image of height x width pixels. std::invalid_argument if the box is empty or not
// inside.
Part checked_part(const ChoosePart& needed, int height, int width);

// Moves the pixels that are needed to the front, and says where they come from. Nothing if `needed` is empty.
void cut(Image&, const ChoosePart& needed);

}  // namespace data
