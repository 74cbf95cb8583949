// Writes the images of a packed data set as files.
#pragma once

#include <cstddef>
#include <string>

namespace data {

// Each image goes to its name below `folder`, which is there: a file with its bytes, pixels as a PNG, whose
// ending replaces that of the name. A record, whose name has no ending of an image, goes to
// SPLIT/CLASS/NAME.png. Returns the number of images. DataError if the pack is damaged or has a name that
// leaves the folder, WriteError if a file can't be written.
std::size_t unpack(const std::string& pack, const std::string& folder);

}  // namespace data
