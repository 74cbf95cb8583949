// Subsets of data sets: drawn with the same share of each class, or listed in a file.
#include "data/subset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/error.h"
#include "tests/support/small_cifar.h"

namespace {

std::unique_ptr<data::Dataset> folder_of_images(const Scratch& scratch) {
  for (const char* file : {"train/cat/1.jpg", "train/cat/2.jpg", "train/dog/1.jpg", "train/dog/rex.jpg"})
    scratch.write(file, "x");
  return data::open_dataset(scratch.folder.string(), data::Split::train);
}

}  // namespace

TEST_CASE("subset: a share of each class, different for another seed, at least one image") {
  const auto whole = data::open_dataset("data/samples", data::Split::train);
  const auto drawn = data::draw_share(*whole, 0.1, 1);
  std::map<int, int> of_class;
  for (const std::size_t i : drawn) ++of_class[whole->label(i)];
  CHECK(drawn.size() == 500);
  for (const auto& [label, count] : of_class) CHECK(count == 50);
  CHECK(std::is_sorted(drawn.begin(), drawn.end()));
  CHECK(std::set<std::size_t>(drawn.begin(), drawn.end()).size() == 500);
  CHECK(data::draw_share(*whole, 0.1, 1) == drawn);
  CHECK(data::draw_share(*whole, 0.1, 2) != drawn);
  CHECK(data::draw_share(*whole, 1e-6, 1).size() == 10);
  CHECK(data::draw_share(*whole, 1, 1).size() == 5000);

  const data::Subset part(*whole, {7, 3});
  CHECK(part.size() == 2);
  CHECK(part.label(1) == whole->label(3));
  CHECK(part.image(0).pixels == whole->image(7).pixels);
  CHECK_THROWS(data::Subset(*whole, {5000}));
}

TEST_CASE("subset: lists of image files, by FILE or CLASS/FILE") {
  const Scratch scratch;
  const auto images = folder_of_images(scratch);
  const auto listed = [&](const std::string& text) {
    return data::read_list(*images, scratch.write("list.txt", text));
  };
  CHECK(listed("dog/1.jpg\r\n\nrex.jpg\ncat/2.jpg\n") == std::vector<std::size_t>{2, 3, 1});
  CHECK(listed("2.jpg") == std::vector<std::size_t>{1});
  const std::string path = scratch.path("list.txt");
  const auto wrong = [&](const std::string& text) {
    return message_of<engine::DataError>([&] { listed(text); });
  };
  CHECK(wrong("rex.jpg\ncat/3.jpg\n") ==
        path + " line 2: there is no image \"cat/3.jpg\", expected CLASS/FILE or FILE");
  CHECK(wrong("1.jpg\n") == path + " line 1: several images are named \"1.jpg\", expected CLASS/FILE");
  CHECK(wrong("rex.jpg\ndog/rex.jpg\n") == path + " line 2: \"dog/rex.jpg\" is listed twice");
  CHECK(wrong("\n") == path + ": lists no images");
  CHECK(message_of<engine::DataError>([&] { data::read_list(*images, scratch.path("none")); }) ==
        scratch.path("none") + ": can't be read: No such file or directory, expected a list of images");
}

TEST_CASE("subset: lists of records, by number") {
  const Scratch scratch;
  const auto images = data::open_dataset(small_cifar(scratch, "data", 20, 1), data::Split::train);
  const std::string path = scratch.write("list", "19\n0\n");
  CHECK(data::read_list(*images, path) == std::vector<std::size_t>{19, 0});
  for (const char* text : {"20\n", "-1\n", "1x\n", "cat\n"}) {
    scratch.write("list", text);
    CHECK(message_of<engine::DataError>([&] { data::read_list(*images, path); }) ==
          path + " line 1 is \"" + std::string(text, std::string(text).size() - 1) +
              "\", expected the number of an image, less than 20");
  }
}
