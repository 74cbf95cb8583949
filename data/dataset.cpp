#include "data/dataset.h"

#include <algorithm>
#include <filesystem>

#include "data/decode/decode.h"
#include "data/files.h"
#include "data/formats/cifar.h"
#include "data/formats/foreign_folder.h"
#include "data/formats/image_folder.h"
#include "data/formats/image_list.h"
#include "data/formats/stl10.h"
#include "data/formats/tar_images.h"
#include "data/pack/packed_images.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

// Calls f with the path, and turns an error of the file system into a DataError that names the path.
template <class F>
auto with_path(const std::string& given, F f) {
  const fs::path path = given;
  try {
    require_data(fs::exists(path), printable(path), ": no such folder");
    refuse_foreign_file(path);
    return f(path);
  } catch (const fs::filesystem_error& error) {
    throw engine::DataError(printable(error.path1()) + ": " + error.code().message());
  }
}

// The same for functions of tar files, which need no path: it may be a pattern.
template <class F>
auto with_tars(const std::string& given, F f) {
  try {
    return f();
  } catch (const fs::filesystem_error& error) {
    throw engine::DataError(printable(given) + ": " + error.code().message());
  }
}

bool of_tars(const std::string& given) {
  return with_tars(given, [&] { return is_tars(given); });
}

// The splits of CIFAR and STL-10.
Split split_of_records(const fs::path& folder, Split split) {
  require_data(split != Split::only_val, printable(folder),
               " is CIFAR or STL-10, which has no val split, expected test");
  return split == Split::only_test ? Split::test : split;
}

bool is_records(const fs::path& folder) {
  return is_stl10(folder) || is_cifar10(folder) || is_cifar100(folder);
}

std::unique_ptr<Dataset> open_records(const fs::path& folder, Split split) {
  if (is_stl10(folder)) return open_stl10(folder, split);
  const Split labelled = split == Split::pretrain ? Split::train : split;
  return is_cifar10(folder) ? open_cifar10(folder, labelled) : open_cifar100(folder, labelled);
}

std::string sixteen_bit_note(const DecodeOptions& o) {
  using Sixteen = DecodeOptions::Sixteen;
  const std::string images = "16-bit images: ";
  if (o.sixteen == Sixteen::high)
    return images + "their high byte is used; `dyad data check` says which range they have";
  if (o.sixteen == Sixteen::stretch) return images + "each one's own range is spread over 8 bits";
  return images + with_commas(std::uint64_t(o.low)) + " to " + with_commas(std::uint64_t(o.high)) +
         " are spread over 8 bits";
}

}  // namespace

std::unique_ptr<Dataset> open_dataset(const std::string& path, Split split, const std::string& labels) {
  const engine::Making making("the list of images");
  if (of_tars(path)) {
    require_data(labels.empty(), printable(path),
                 " names tar files, which have their classes, expected no --labels");
    return with_tars(path, [&] { return open_tars(path, split); });
  }
  return with_path(path, [&](const fs::path& data) -> std::unique_ptr<Dataset> {
    if (!fs::is_directory(data)) {
      require_data(split == Split::train || split == Split::pretrain, printable(data),
                   " is a list of files, which has no test split, expected a folder with CLASS/ folders");
      return open_image_list(data);
    }
    if (is_pack(data)) {
      require_data(labels.empty(), printable(data),
                   " is a packed data set, which has its labels, expected no --labels");
      return open_pack(data, split);
    }
    if (!is_records(data)) {
      refuse_foreign_folder(data);
      return open_image_folder(data, split, labels);
    }
    require_data(labels.empty(), printable(data),
                 " is CIFAR or STL-10, which has labels, expected no --labels");
    return open_records(data, split_of_records(data, split));
  });
}

bool is_there(const std::string& path) {
  std::error_code none;
  return fs::exists(of_tars(path) ? first_tar(path) : path, none);
}

bool has_split(const std::string& path, Split split) {
  if (of_tars(path)) return with_tars(path, [&] { return has_tar_split(path, split); });
  return with_path(path, [split](const fs::path& data) {
    if (!fs::is_directory(data)) return split == Split::train || split == Split::pretrain;
    if (is_pack(data)) return has_pack_split(data, split);
    if (!is_records(data)) return has_image_split(data, split);
    if (split == Split::train || split == Split::pretrain) return true;
    return split != Split::only_val &&
           std::ranges::any_of(
               std::initializer_list<const char*>{"test_batch.bin", "test.bin", "test_X.bin", "test_y.bin"},
               [&](const char* name) { return fs::exists(data / name); });
  });
}

void require_labels(const Dataset& dataset) {
  const std::string why = dataset.unlabelled();
  require_data(why.empty(), why);
}

void Dataset::decode_file(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into,
                          const ChoosePart& needed) const {
  decode_image(bytes, size, name, into, decode_, needed);
  if (into.sixteen_bit) sixteen_bit_ = true;
  if (into.orientation != 1 && !decode_.apply_exif) turned_ = true;
}

std::vector<std::string> Dataset::decoding_notes() const {
  std::vector<std::string> notes;
  if (sixteen_bit_) notes.push_back(sixteen_bit_note(decode_));
  if (turned_)
    notes.emplace_back(
        "images with an EXIF orientation: used as they are stored; --exif apply turns them upright");
  return notes;
}

std::string describe(const Dataset& dataset) {
  const std::string counts =
      ": " + counted(double(dataset.size()), "image") + ", " +
      (dataset.classes().empty() ? "no classes" : counted(double(dataset.classes().size()), "class"));
  const std::string remark = dataset.remark().empty() ? "" : "; " + dataset.remark();
  switch (dataset.kind()) {
    case Dataset::Kind::cifar10:
      return "CIFAR-10" + counts + ", 32 x 32 pixels, in memory" + remark;
    case Dataset::Kind::cifar100:
      return "CIFAR-100" + counts + ", 32 x 32 pixels, in memory" + remark;
    case Dataset::Kind::stl10:
      return "STL-10" + counts + ", 96 x 96 pixels" + remark;
    case Dataset::Kind::image_folder:
    case Dataset::Kind::other:
      break;
  }
  return dataset.title() + counts + remark;
}

}  // namespace data
