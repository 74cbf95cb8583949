// Image files in folders.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/dataset.h"

namespace data {

// Opens FOLDER/train, FOLDER/val and FOLDER/test (split_folders.h: other spellings), or all of FOLDER, which
// is then a training split. Classes are the folders of the training split in byte order; an image's class is
// the folder that it lies in, at any depth. Images are the files whose extension is in image_endings(), in
// any case. Images for pretraining may lie anywhere; those outside of class folders have no label.
//
// labels: a file with the classes of the images (label_file.h), for the evaluated split, and for a training
// split without class folders; "": none. Without it, val/val_annotations.txt is used if it exists, as in
// Tiny-ImageNet.
//
// A data set without usable labels can be opened; Dataset::unlabelled() says why it has none.
std::unique_ptr<Dataset> open_image_folder(const std::filesystem::path& folder, Split,
                                           const std::string& labels = "");

// Whether the folder of a split is there.
bool has_image_split(const std::filesystem::path& folder, Split);

}  // namespace data
