// Folders that hold a data set in a form that dyad doesn't read: another version, an archive, a folder too
// high.
#pragma once

#include <filesystem>

namespace data {

// DataError that says what the folder holds and what was expected, if it is one of these:
//   the Python or Matlab version of CIFAR or STL-10,
//   a folder above the one with the binary files (cifar-10-batches-bin/ in it),
//   a folder, or its train/, with archives in place of image folders.
void refuse_foreign_folder(const std::filesystem::path& folder);
// The same for a file: an archive, a Parquet file ...
void refuse_foreign_file(const std::filesystem::path&);

}  // namespace data
