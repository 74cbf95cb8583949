// Which images a data set has, in one number.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"

namespace data {

// A hash of names and labels, in their order. `folder`: the data set's; names count from there, so the same
// images in another place have the same hash. Pixels are not read.
std::uint64_t list_hash(const Dataset&, const std::string& folder);

}  // namespace data
