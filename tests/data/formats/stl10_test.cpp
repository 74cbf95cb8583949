#include "data/formats/stl10.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DataError;

namespace {

constexpr std::size_t plane = 96 * 96;

// The value of a pixel in an image that begins with `first`. All values of a row and of a column differ.
std::uint8_t value(int first, std::size_t y, std::size_t x, std::size_t c) {
  return std::uint8_t(std::size_t(first) + 2 * y + 5 * x + 70 * c);
}

// An image in the file's layout: planes, each column by column.
std::string stored(int first) {
  std::string bytes;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t x = 0; x < 96; ++x)
      for (std::size_t y = 0; y < 96; ++y) bytes += char(value(first, y, x, c));
  return bytes;
}

void check_image(const Image& image, int first) {
  REQUIRE(image.height == 96);
  REQUIRE(image.width == 96);
  REQUIRE(image.pixels.size() == 3 * plane);
  bool equal = true;
  for (std::size_t y = 0; y < 96; ++y)
    for (std::size_t x = 0; x < 96; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        equal &= image.pixels[(y * 96 + x) * 3 + c] == value(first, y, x, c);
  CHECK(equal);
}

std::string refusal(const Scratch& scratch, Split split) {
  return message_of<DataError>([&] { open_dataset(scratch.folder, split); })
      .substr(scratch.folder.string().size());
}

}  // namespace

TEST_CASE("STL-10: labelled splits, images column by column, and images without labels for pretraining") {
  const Scratch scratch;
  scratch.write("train_X.bin", stored(1) + stored(2));
  scratch.write("train_y.bin", "\x01\x0a");
  scratch.write("test_X.bin", stored(3));
  scratch.write("test_y.bin", "\x05");
  const auto train = open_dataset(scratch.folder, Split::train);
  CHECK(train->kind() == Dataset::Kind::stl10);
  REQUIRE(train->size() == 2);
  CHECK((train->label(0) == 0 && train->label(1) == 9));
  check_image(train->image(0), 1);
  check_image(train->image(1), 2);
  CHECK(train->classes() == std::vector<std::string>{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"});
  CHECK(describe(*train) == "STL-10: 2 images, 10 classes, 96 x 96 pixels");
  check_image(open_dataset(scratch.folder, Split::test)->image(0), 3);
  CHECK(open_dataset(scratch.folder, Split::pretrain)->size() == 2);

  scratch.write("unlabeled_X.bin", stored(4) + stored(5) + stored(6));
  scratch.write("class_names.txt", "airplane\nbird\ncar\ncat\ndeer\ndog\nhorse\nmonkey\nship\ntruck\n");
  const auto all = open_dataset(scratch.folder, Split::pretrain);
  REQUIRE(all->size() == 5);
  CHECK((all->label(1) == 9 && all->label(2) == -1 && all->label(4) == -1));
  for (int i = 0; i < 2; ++i) check_image(all->image(std::size_t(i)), 1 + i);
  for (int i = 2; i < 5; ++i) check_image(all->image(std::size_t(i)), 2 + i);
  CHECK(all->name(4) == "unlabeled_X.bin image 2");
  CHECK(all->classes()[7] == "monkey");
  CHECK(open_dataset(scratch.folder, Split::train)->size() == 2);

  std::filesystem::remove(scratch.path("train_X.bin"));
  CHECK(open_dataset(scratch.folder, Split::pretrain)->size() == 3);
  CHECK(has_split(scratch.folder, Split::test));
}

TEST_CASE("STL-10: an error is one line that says where") {
  const Scratch scratch;
  scratch.write("train_X.bin", stored(1));
  CHECK(refusal(scratch, Split::train) == "/train_y.bin is missing, expected the labels of train_X.bin");
  CHECK(refusal(scratch, Split::test) == "/test_X.bin is missing, expected it for the test split");
  CHECK_FALSE(has_split(scratch.folder, Split::test));
  scratch.write("train_y.bin", "\x01\x02");
  CHECK(refusal(scratch, Split::train) ==
        "/train_y.bin has 2 labels, expected 1, as many as train_X.bin has images");
  for (const char* label : {"\x0b", "\xff"}) {
    scratch.write("train_y.bin", label);
    CHECK(refusal(scratch, Split::train) == "/train_y.bin has label " +
                                                std::to_string(int(std::uint8_t(label[0]))) +
                                                " at byte 0, expected 1 to 10");
  }
  scratch.write("train_X.bin", stored(1).substr(1));
  CHECK(refusal(scratch, Split::train) == "/train_X.bin has 27,647 bytes, expected a multiple of 27,648");
  scratch.write("train_X.bin", "");
  CHECK(refusal(scratch, Split::train) == "/train_X.bin has 0 bytes, expected a multiple of 27,648");
  scratch.write("class_names.txt", "airplane\n");
  CHECK(refusal(scratch, Split::train) == "/class_names.txt names 1 class, expected 10");
}

TEST_CASE("STL-10: a file that is truncated while open is an error with its name") {
  const Scratch scratch;
  scratch.write("train_X.bin", stored(1) + stored(2));
  scratch.write("train_y.bin", "\x01\x02");
  const auto train = open_dataset(scratch.folder, Split::train);
  std::filesystem::resize_file(scratch.path("train_X.bin"), 30'000);
  check_image(train->image(0), 1);
  CHECK(message_of<DataError>([&] { train->image(1); }) ==
        scratch.path("train_X.bin") + ": ended at byte 30,000, expected 55,296");
}
