// From a batch of photographs to the images that a network sees.
#pragma once

#include "data/loader.h"
#include "data/views.h"

namespace data {

// `views` random views of every image: (views * N, size, size, 3) on the device, row v * N + i is view v of
// image i. Drawn by (seed, epoch of the batch, sample, view).
engine::Tensor view_batch(const Batch&, const ViewRecipe&, int views, int size, std::uint64_t seed,
                          engine::Device, engine::DType);

}  // namespace data
