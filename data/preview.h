// A picture of what a recipe does: images and two views of each. `dyad data preview`, and the report.
#pragma once

#include "data/loader.h"
#include "data/views.h"

namespace data {

// One row an image: its central square, then its views 0 and 1 of epoch 0, each `size` pixels wide and shown
// enlarged by a whole factor if that is small. The images are the first of the permutation of epoch 0, so
// that they and their views are those that training with this seed begins with; with BadImages::skip those of
// them that can be decoded.
Image preview(const Dataset&, const ViewRecipe&, int images, int size, std::uint64_t seed,
              BadImages = BadImages::stop);

}  // namespace data
