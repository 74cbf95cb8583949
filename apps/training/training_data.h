// What a training reads: the images, and the views that are made of them.
#pragma once

#include <memory>

#include "apps/options/options.h"
#include "data/loader.h"
#include "data/resident.h"
#include "data/view_batch.h"

namespace apps {

// The images to pretrain on, without those that --split-from keeps for the test. A resumed run keeps the same
// ones. For a method that learns from classes they are those of the training split that have one; DataError
// if there are no classes.
std::unique_ptr<data::Dataset> pretraining_images(const PretrainOptions&);

data::BadImages bad_images(const DataOptions&);

// Whether the pixels of all images are kept on the device.
bool keeps_pixels(const DataOptions&, const data::Dataset&, engine::Device);
// These pixels, or null. An image that can't be decoded is replaced by another, drawn by the seed.
std::unique_ptr<data::Resident> resident_pixels(const DataOptions&, std::uint64_t seed, const data::Dataset&,
                                                engine::Device);
// Of each image no more is decoded than its two views read.
data::LoaderOptions loader_options(const PretrainOptions&, engine::Device, bool resident);

// Two views of each image.
data::ViewBatches training_views(const PretrainOptions&, engine::Device, const data::Resident* = nullptr);

}  // namespace apps
