// A contact sheet of the recipes of two views: images and two views of each, for `dyad data preview` and the
// report.
#pragma once

#include "data/loader.h"
#include "data/views.h"

namespace data {

// One row per image: its central square, then its views 0 and 1 of epoch 0. Each is `size` pixels wide,
// enlarged by an integer factor if that is small. The images are the first of epoch 0's permutation, so
// training with this seed begins with the same images and views. With BadImages::skip, images that cannot be
// decoded are left out.
Image preview(const Dataset&, const std::array<ViewRecipe, 2>&, int images, int size, std::uint64_t seed,
              BadImages = BadImages::stop);

inline Image preview(const Dataset& dataset, const ViewRecipe& recipe, int images, int size,
                     std::uint64_t seed, BadImages bad_images = BadImages::stop) {
  return preview(dataset, std::array{recipe, recipe}, images, size, seed, bad_images);
}

}  // namespace data
