// The folders of a data set's splits, under the names that people give them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/formats/passed_over.h"

namespace data {

// Names as they are in the folder; "" for a split that is not there. All are "" if nothing is split.
struct SplitFolders {
  std::string train, val, test;
  PassedOver passed_over = {};  // what lies beside them
  explicit operator bool() const { return !train.empty(); }
};

// Training: train or training; validation: val, valid or validation; test: test or testing; in any case.
// DataError, which says what to rename, if the folder has some of these names but no training split, two
// names of one split, folders of images beside them, or similar names such as train2017/ and val2017/; or if
// a folder below has a training and a test split.
SplitFolders find_split_folders(const std::filesystem::path& folder);

// DataError if these entries of a folder below --data have the names of a training and of a test split.
void require_no_splits(const std::filesystem::path& folder,
                       const std::vector<std::filesystem::directory_entry>& entries);

}  // namespace data
