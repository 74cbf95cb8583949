// Resizing whole images, for packed data sets.
#pragma once

#include "data/dataset.h"

namespace data {

// Makes the shorter side `side` pixels long if it is longer, and the other one in proportion, rounded down,
// as torchvision's Resize(side). 8-bit RGB as Pillow's resize(BILINEAR): an antialiased triangle filter,
// first along rows, rounded to 8 bits, then along columns.
void shrink_to_shorter_side(Image&, int side);

}  // namespace data
