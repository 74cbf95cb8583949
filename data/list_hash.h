// Which images a data set has, in one number.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace data {

// A hash of names and labels, in their order. `folder`: the data set's; names count from there, so the same
// images in another place have the same hash. Pixels are not read.
std::uint64_t list_hash(const Dataset&, const std::string& folder);

// The files that the images are in, in one line that differs where a file's size does, or, with `contents`,
// where any byte does: "5,000 files of 12,345,678 bytes, hash 0123456789abcdef". With contents it reads them
// all. Names are not in it. DataError if a file can't be read.
std::string files_text(const Dataset&, bool contents);

}  // namespace data
