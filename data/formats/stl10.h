// STL-10, binary version (Coates, Ng and Lee 2011). X files: images of 96 x 96 pixels as red, green and blue
// plane, each stored column by column: 27,648 bytes. y files: one byte per label, 1 to 10.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace data {

bool is_stl10(const std::filesystem::path& folder);  // it has train_X.bin, test_X.bin or unlabeled_X.bin

// Images are read from the files on access, since all of them take 3 GB. Class names come from
// class_names.txt if it exists, else they are 1 to 10. Split::pretrain has the images of train_X.bin and
// unlabeled_X.bin, or of the one that exists.
std::unique_ptr<Dataset> open_stl10(const std::filesystem::path& folder, Split);

}  // namespace data
