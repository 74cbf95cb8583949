// Reads class names from a data set's text file, one name per line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace data {

// DataError if the file does not have `classes` names. Without a file the names are numbers from `first`.
std::vector<std::string> class_names(const std::filesystem::path& file, int classes, int first);

}  // namespace data
