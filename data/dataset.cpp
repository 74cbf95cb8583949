#include "data/dataset.h"

#include <filesystem>

#include "data/decode/decode.h"
#include "data/files.h"
#include "data/formats/cifar.h"
#include "data/formats/foreign_folder.h"
#include "data/formats/image_folder.h"
#include "data/formats/stl10.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

// Calls f with the folder, and turns an error of the file system into a DataError that names the path.
template <class F>
auto with_folder(const std::string& path, F f) {
  const fs::path folder = path;
  try {
    require_data(fs::exists(folder), printable(folder), ": no such folder");
    refuse_foreign_file(folder);
    require_data(fs::is_directory(folder), printable(folder), " is a file, expected a folder of images");
    return f(folder);
  } catch (const fs::filesystem_error& error) {
    throw engine::DataError(printable(error.path1()) + ": " + error.code().message());
  }
}

}  // namespace

std::unique_ptr<Dataset> open_dataset(const std::string& path, Split split) {
  return with_folder(path, [split](const fs::path& folder) {
    if (is_stl10(folder)) return open_stl10(folder, split);
    const Split labelled = split == Split::pretrain ? Split::train : split;
    if (is_cifar10(folder)) return open_cifar10(folder, labelled);
    if (is_cifar100(folder)) return open_cifar100(folder, labelled);
    refuse_foreign_folder(folder);
    return open_image_folder(folder, labelled);
  });
}

bool has_split(const std::string& path, Split split) {
  return with_folder(path, [split](const fs::path& folder) {
    if (split == Split::train || split == Split::pretrain) return true;
    for (const char* name : {"test_batch.bin", "test.bin", "test_X.bin", "test_y.bin"})
      if (fs::exists(folder / name)) return true;
    return fs::is_directory(folder / "train") &&
           (fs::is_directory(folder / "val") || fs::is_directory(folder / "test"));
  });
}

void Dataset::decode_file(const std::vector<std::uint8_t>& bytes, const std::string& name,
                          Image& into) const {
  decode_image(bytes.data(), bytes.size(), name, into, decode_);
  if (into.sixteen_bit) sixteen_bit_ = true;
}

std::string Dataset::decoding_note() const {
  using Sixteen = DecodeOptions::Sixteen;
  if (!sixteen_bit_) return "";
  const std::string images = "16-bit images: ";
  if (decode_.sixteen == Sixteen::high)
    return images + "their high byte is used; `dyad data check` says which range they have";
  if (decode_.sixteen == Sixteen::stretch) return images + "each one's own range is spread over 8 bits";
  return images + with_commas(std::uint64_t(decode_.low)) + " to " +
         with_commas(std::uint64_t(decode_.high)) + " are spread over 8 bits";
}

std::string describe(const Dataset& dataset) {
  const std::string counts =
      ": " + with_commas(dataset.size()) + " images, " + with_commas(dataset.classes().size()) + " classes, ";
  const std::string remark = dataset.remark().empty() ? "" : "; " + dataset.remark();
  switch (dataset.kind()) {
    case Dataset::Kind::cifar10:
      return "CIFAR-10" + counts + "32 x 32 pixels, in memory" + remark;
    case Dataset::Kind::cifar100:
      return "CIFAR-100" + counts + "32 x 32 pixels, in memory" + remark;
    case Dataset::Kind::stl10:
      return "STL-10" + counts + "96 x 96 pixels, read when asked for" + remark;
    case Dataset::Kind::image_folder:
      break;
  }
  return "image folder" + counts + "decoded when asked for" + remark;
}

}  // namespace data
