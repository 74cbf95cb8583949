// Images in tar files, read where they lie: WebDataset's shards, and archives of image folders.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "data/dataset.h"

namespace data {

// Whether --data names tar files: a .tar, a pattern as "train-{000..146}.tar", or a folder that has .tar
// files and neither images nor folders.
bool is_tars(const std::string& data);

// The first file that a pattern names; other names as they are.
std::string first_tar(const std::string& data);

// Which shards a split has: in a folder those with "train", "val" or "test" in their names; if no name has
// one of these words, and of a file or a pattern, all are for training.
bool has_tar_split(const std::string& data, Split);

// The images of a split, shard by shard, in the order of the archives. An image's class is the number in
// KEY.cls beside KEY.jpg, else the folder that it lies in, below a folder that all images of the archives
// share. DataError if an archive is damaged or has no images.
std::unique_ptr<Dataset> open_tars(const std::string& data, Split);

}  // namespace data
