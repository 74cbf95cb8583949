// A folder that holds a data set in another form is named, with what was expected.
#include "data/formats/foreign_folder.h"

#include <doctest/doctest.h>

#include "data/dataset.h"
#include "engine/error.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"

namespace {

const std::string zip = "PK\3\4" + std::string(26, '\0');

// The error of opening a folder with these files, after the folder's name.
std::string refusal(const std::vector<std::pair<std::string, std::string>>& files) {
  const Scratch scratch;
  for (const auto& [name, bytes] : files) scratch.write(name, bytes);
  const std::string text =
      message_of<engine::DataError>([&] { data::open_dataset(scratch.folder, data::Split::pretrain); });
  REQUIRE(text.starts_with(scratch.folder.string()));
  return text.substr(scratch.folder.string().size());
}

}  // namespace

TEST_CASE("foreign folders: other versions of CIFAR and STL-10") {
  const std::string cifar10 = ", expected the binary version (cifar-10-binary.tar.gz)";
  CHECK(refusal({{"data_batch_1", ""}, {"test_batch", ""}}) ==
        " is the Python version of CIFAR-10" + cifar10);
  CHECK(refusal({{"batches.meta", ""}}) == " is the Python version of CIFAR-10" + cifar10);
  CHECK(refusal({{"data_batch_1.mat", ""}}) == " is the Matlab version of CIFAR-10" + cifar10);
  CHECK(refusal({{"train", ""}, {"meta", ""}}) ==
        " is the Python version of CIFAR-100, expected the binary version (cifar-100-binary.tar.gz)");
  CHECK(refusal({{"train.mat", ""}, {"unlabeled.mat", ""}}) ==
        " is the Matlab version of STL-10, expected the binary version (stl10_binary.tar.gz)");
}

TEST_CASE("foreign folders: a folder too high, archives, and a file in the place of a folder") {
  CHECK(refusal({{"stl10_binary/train_X.bin", ""}}).starts_with(" has a folder stl10_binary: name that, "));
  CHECK(refusal({{"a.zip", zip}, {"b.tgz", "\x1f\x8b\x08"}, {"c.zip", zip}, {"README", "x"}}) ==
        " has a.zip and 2 other archives (not yet unpacked), expected image folders or CIFAR's or STL-10's "
        "binary "
        "files");
  CHECK(refusal({{"train/a.zip", zip}}).starts_with("/train has a.zip (not yet unpacked), expected "));
  const Scratch scratch;
  const std::string file = scratch.write("images.zip", zip);
  CHECK(message_of<engine::DataError>([&] { data::open_dataset(file, data::Split::train); }) ==
        file + " is a zip archive (not yet unpacked), expected a folder of images");
}

TEST_CASE(
    "foreign folders: an archive beside image folders is no fault, nor are folders that have such names") {
  const Scratch scratch;
  const std::string image = encode_png(1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, {1, 2, 3});
  scratch.write("images.zip", zip);
  scratch.write("train/1.png", image);
  scratch.write("meta/2.png", image);
  CHECK_NOTHROW(data::refuse_foreign_folder(scratch.folder));
  scratch.write("train/more.zip", zip);
  CHECK_NOTHROW(data::refuse_foreign_folder(scratch.folder));
}
