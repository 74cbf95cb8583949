// Decoding at a part of an image's size, for photographs that are much larger than the views of them.
#pragma once

#include "data/dataset.h"

namespace data {

// The greatest of 1, 2, 4 and 8 by which both sides can be divided so that the shorter one keeps at least
// `side` pixels. side 0: always 1.
int shrink_factor(int height, int width, int side);

// A side divided by a factor, rounded up, as libjpeg and shrink() do.
constexpr int divided(int side, int factor) { return (side + factor - 1) / factor; }

// Replaces each block of factor x factor pixels by its mean, rounded to nearest; the blocks at the lower and
// right edges are smaller if the sides are no multiples. -> (ceil(height / factor), ceil(width / factor)).
void shrink(Image&, int factor);

}  // namespace data
