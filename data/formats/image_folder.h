// Image files, one folder per class.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace data {

// Opens FOLDER/train/CLASS/FILE and FOLDER/val/CLASS/FILE (or test/), or FOLDER/CLASS/FILE, which is a train
// split. Classes are the folder names in byte order; val must have the classes of train. Images are the files
// whose extension is in image_endings(), in any case and at any depth. They are decoded on access.
std::unique_ptr<Dataset> open_image_folder(const std::filesystem::path& folder, Split);

}  // namespace data
