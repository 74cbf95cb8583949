// A packed data set: pack_index.h describes its files, which are mapped. An image's bytes are compared with
// their hash when the image is read for the first time.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace data {

bool is_pack(const std::filesystem::path& folder);  // whether it has an index

// DataError if the pack is damaged, or has no such split. decode_as() is for images that are stored as files.
std::unique_ptr<Dataset> open_pack(const std::filesystem::path& folder, Split);

bool has_pack_split(const std::filesystem::path& folder, Split);

}  // namespace data
