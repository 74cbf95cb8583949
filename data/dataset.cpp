#include "data/dataset.h"

#include <filesystem>

#include "data/cifar.h"
#include "data/files.h"
#include "data/image_folder.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

std::unique_ptr<Dataset> open_dataset(const std::string& path, Split split) {
  const fs::path folder = path;
  try {
    require_data(fs::exists(folder), printable(folder), ": no such folder");
    require_data(fs::is_directory(folder), printable(folder), " is a file, expected a folder of images");
    if (is_cifar10(folder)) return open_cifar10(folder, split);
    if (is_cifar100(folder)) return open_cifar100(folder, split);
    return open_image_folder(folder, split);
  } catch (const fs::filesystem_error& error) {
    throw engine::DataError(printable(error.path1()) + ": " + error.code().message());
  }
}

std::string describe(const Dataset& dataset) {
  const std::string counts =
      ": " + with_commas(dataset.size()) + " images, " + with_commas(dataset.classes().size()) + " classes, ";
  switch (dataset.kind()) {
    case Dataset::Kind::cifar10:
      return "CIFAR-10" + counts + "32 x 32 pixels, in memory";
    case Dataset::Kind::cifar100:
      return "CIFAR-100" + counts + "32 x 32 pixels, in memory";
    case Dataset::Kind::image_folder:
      break;
  }
  return "image folder" + counts + "decoded when asked for";
}

}  // namespace data
