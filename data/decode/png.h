// Writes PNG: previews, and pictures inside reports. (decode.h reads.)
#pragma once

#include <string>

#include "data/dataset.h"

namespace data {

std::string png_bytes(const Image&);                    // a whole PNG file, in memory
void write_png(const std::string& path, const Image&);  // atomically

}  // namespace data
