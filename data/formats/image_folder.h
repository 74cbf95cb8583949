// Image files, a folder a class.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace data {

// FOLDER/train/CLASS/FILE and FOLDER/val/CLASS/FILE (or test/), or FOLDER/CLASS/FILE, which is a train split.
// Classes are the folders' names in order of their bytes; val has those of train. Files with one of
// image_endings(), in any case and at any depth, are the images; they are decoded when asked for.
std::unique_ptr<Dataset> open_image_folder(const std::filesystem::path& folder, Split);

}  // namespace data
