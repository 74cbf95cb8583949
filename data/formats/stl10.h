// STL-10, binary version (Coates, Ng and Lee 2011). X files: images of 96 x 96, the red, green and blue
// plane, each column by column: 27,648 bytes. y files: a byte a label, 1 to 10.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace data {

bool is_stl10(const std::filesystem::path& folder);  // it has train_X.bin, test_X.bin or unlabeled_X.bin

// Images are read from the files when asked for: all of them take 3 GB. Names of the classes are read from
// class_names.txt if it is there, else they are 1 to 10. Split::pretrain is the images of train_X.bin and of
// unlabeled_X.bin, or of the one that is there.
std::unique_ptr<Dataset> open_stl10(const std::filesystem::path& folder, Split);

}  // namespace data
