#include "data/formats/foreign_folder.h"

#include <algorithm>
#include <string>
#include <vector>

#include "data/files.h"
#include "data/formats/walk.h"
#include "engine/error.h"
#include "engine/files/file_kind.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

struct OtherVersion {
  std::vector<const char*> files;  // all must be there
  const char *is, *expected;
};

const std::vector<OtherVersion>& other_versions() {
  static const char* const cifar10 = "the binary version (cifar-10-binary.tar.gz)";
  static const char* const cifar100 = "the binary version (cifar-100-binary.tar.gz)";
  static const std::vector<OtherVersion> all = {
      {{"data_batch_1"}, "the Python version of CIFAR-10", cifar10},
      {{"test_batch"}, "the Python version of CIFAR-10", cifar10},
      {{"batches.meta"}, "the Python version of CIFAR-10", cifar10},
      {{"data_batch_1.mat"}, "the Matlab version of CIFAR-10", cifar10},
      {{"train", "meta"}, "the Python version of CIFAR-100", cifar100},
      {{"test", "meta"}, "the Python version of CIFAR-100", cifar100},
      {{"train.mat", "meta.mat"}, "the Matlab version of CIFAR-100", cifar100},
      {{"train.mat", "unlabeled.mat"},
       "the Matlab version of STL-10",
       "the binary version (stl10_binary.tar.gz)"},
  };
  return all;
}

// What the archives of CIFAR and STL-10 unpack to.
constexpr const char* unpacked_folders[] = {"cifar-10-batches-bin", "cifar-100-binary", "stl10_binary",
                                            "cifar-10-batches-py", "cifar-100-python"};

struct Contents {
  bool folders = false, images = false;
  std::vector<std::string> archives;
};

Contents contents_of(const fs::path& folder) {
  Contents c;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) continue;
    if (entry.is_directory()) {
      c.folders = true;
      continue;
    }
    c.images = c.images || has_image_ending(entry.path());
    if (engine::file_kind_of(entry.path()).ends_with("(not yet unpacked)"))
      c.archives.push_back(printable(name));
    if (c.folders || c.images) break;
  }
  std::ranges::sort(c.archives);
  return c;
}

void refuse_archives(const fs::path& folder) {
  const Contents c = contents_of(folder);
  if (c.folders || c.images || c.archives.empty()) return;
  const std::size_t more = c.archives.size() - 1;
  require_data(
      false, printable(folder), " has ", c.archives[0],
      more == 0 ? "" : " and " + with_commas(more) + (more == 1 ? " other archive" : " other archives"),
      " (not yet unpacked), expected image folders or CIFAR's or STL-10's binary files");
}

}  // namespace

void refuse_foreign_file(const fs::path& file) {
  const std::string kind = engine::file_kind_of(file);
  require_data(kind.empty(), printable(file), " is ", kind, ", expected a folder of images");
}

void refuse_foreign_folder(const fs::path& folder) {
  for (const OtherVersion& v : other_versions())
    require_data(
        !std::ranges::all_of(v.files, [&](const char* f) { return fs::is_regular_file(folder / f); }),
        printable(folder), " is ", v.is, ", expected ", v.expected);
  for (const char* inner : unpacked_folders)
    require_data(!fs::is_directory(folder / inner), printable(folder), " has a folder ", inner,
                 ": name that, ", printable(folder / inner));
  refuse_archives(folder);
  if (fs::is_directory(folder / "train")) refuse_archives(folder / "train");
}

}  // namespace data
