// A text file that lists image files.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace data {

// One file a line, relative to the list's folder or absolute; in this order, without labels. DataError with
// the line if a file is listed twice, or if the first one doesn't exist. Later ones aren't looked for, since
// that takes minutes for a million files on a network.
std::unique_ptr<Dataset> open_image_list(const std::filesystem::path& list);

// One image file as a data set of one image, without a label.
std::unique_ptr<Dataset> open_image_file(const std::filesystem::path&);

}  // namespace data
