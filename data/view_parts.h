// What the views of an image read of it, so that no more is decoded.
#pragma once

#include <vector>

#include "data/loader.h"
#include "data/part.h"
#include "data/views.h"

namespace data {

// How a crop that is larger than its view is decoded.
enum class CropDecoding {
  exact,  // as it is stored
  scaled  // at 1/2 or 1/4 of its size if it then still has at least as many rows and columns as the view
};

// For LoaderOptions::part: the smallest box around the crops of all views of a sample. recipes, size, seed:
// as ViewBatches has them.
NeededPart part_of_views(std::vector<ViewRecipe> recipes, int size, std::uint64_t seed,
                         CropDecoding = CropDecoding::exact);

// A view that was drawn for a whole image, as the view of `height` x `width` pixels that are a part of it. It
// reads the same pixels. Of an image at 1/scale the crop box is divided, and rounded to whole pixels.
View within(View, const Source&, int height, int width);

}  // namespace data
