// Names of classes, one a line of a text file that comes with a data set.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace data {

// DataError if the file does not have `classes` names. Without a file they are numbers that begin at `first`.
std::vector<std::string> class_names(const std::filesystem::path& file, int classes, int first);

}  // namespace data
