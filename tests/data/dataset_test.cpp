#include "data/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DataError;

namespace {

// A CIFAR record whose pixel p has channels p, p + 1 and p + 2 more than `first`.
std::string record(const std::string& labels, int first) {
  std::string bytes = labels;
  for (int c = 0; c < 3; ++c)
    for (int p = 0; p < 1024; ++p) bytes += char(first + p + c);
  return bytes;
}
std::string record10(int label, int first = 0) { return record(std::string(1, char(label)), first); }

// The error of opening the folder, with DIR for the scratch folder's path. Checks that it is one line.
std::string refusal(const Scratch& scratch, Split split = Split::train, const std::string& folder = "") {
  std::string text = message_of<DataError>(
      [&] { open_dataset(folder.empty() ? scratch.folder.string() : scratch.path(folder), split); });
  CHECK(text.find('\n') == std::string::npos);
  const std::string own = scratch.folder.string();
  for (std::size_t at; (at = text.find(own)) != std::string::npos;) text.replace(at, own.size(), "DIR");
  return text;
}

void check_pixels(const Image& image, int first) {
  REQUIRE(image.height == 32);
  REQUIRE(image.width == 32);
  REQUIRE(image.pixels.size() == 3072);
  bool equal = true;
  for (std::size_t p = 0; p < 1024; ++p)
    for (std::size_t c = 0; c < 3; ++c)
      equal &= image.pixels[3 * p + c] == std::uint8_t(std::size_t(first) + p + c);
  CHECK(equal);
}

}  // namespace

TEST_CASE("CIFAR-10: files in order, splits, classes") {
  const Scratch scratch;
  scratch.write("data_batch_1.bin", record10(3, 5) + record10(9, 6));
  scratch.write("data_batch_2.bin", record10(0, 7));
  scratch.write("test_batch.bin", record10(4, 8));
  const auto train = open_dataset(scratch.folder, Split::train);
  REQUIRE(train->size() == 3);
  CHECK(train->kind() == Dataset::Kind::cifar10);
  CHECK((train->label(0) == 3 && train->label(1) == 9 && train->label(2) == 0));
  for (int i = 0; i < 3; ++i) check_pixels(train->image(std::size_t(i)), 5 + i);
  CHECK(train->name(1) == "data_batch_1.bin record 1");
  CHECK(train->name(2) == "data_batch_2.bin record 0");
  CHECK(train->classes().size() == 10);
  CHECK(train->classes()[7] == "7");
  CHECK(describe(*train) == "CIFAR-10: 3 images, 10 classes, 32 x 32 pixels, in memory");

  const auto test = open_dataset(scratch.folder, Split::test);
  REQUIRE(test->size() == 1);
  check_pixels(test->image(0), 8);
  CHECK(test->label(0) == 4);

  scratch.write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\r\nj\n\n");
  CHECK(open_dataset(scratch.folder, Split::test)->classes()[8] == "i");
}

TEST_CASE("CIFAR-100: the fine label is used") {
  const Scratch scratch;
  scratch.write("train.bin", record("\x13\x63", 1) + record(std::string("\0\0", 2), 2));
  scratch.write("test.bin", record("\x01\x05", 3));
  const auto train = open_dataset(scratch.folder, Split::train);
  CHECK(train->kind() == Dataset::Kind::cifar100);
  REQUIRE(train->size() == 2);
  CHECK((train->label(0) == 99 && train->label(1) == 0));
  CHECK(train->classes().size() == 100);
  const auto test = open_dataset(scratch.folder, Split::test);
  REQUIRE(test->size() == 1);
  CHECK(test->label(0) == 5);
  check_pixels(test->image(0), 3);
  scratch.write("test.bin", record("\x01\x64", 3));
  CHECK(refusal(scratch, Split::test) ==
        "DIR/test.bin has label 100 at record 0 (byte 1), expected less than 100");
  scratch.write("test.bin", record10(1));
  CHECK(refusal(scratch, Split::test) == "DIR/test.bin has 3,073 bytes, expected a multiple of 3,074");
  std::filesystem::remove(scratch.path("test.bin"));
  CHECK(refusal(scratch, Split::test) == "DIR/test.bin is missing, expected it for the test split");
  CHECK(open_dataset(scratch.folder, Split::train)->size() == 2);
}

TEST_CASE("CIFAR: an error is one line that says where") {
  const Scratch scratch;
  scratch.write("data_batch_1.bin", record10(1));
  CHECK(refusal(scratch, Split::test) == "DIR/test_batch.bin is missing, expected it for the test split");
  CHECK(refusal(scratch, Split::only_val) == "DIR is CIFAR or STL-10, which has no val split, expected test");
  scratch.write("data_batch_2.bin", std::string(30'000, 'x').replace(0, 1, std::string(1, '\0')));
  CHECK(refusal(scratch, Split::train) ==
        "DIR/data_batch_2.bin has 30,000 bytes, expected a multiple of 3,073");
  scratch.write("data_batch_2.bin", "");
  CHECK(refusal(scratch, Split::train) == "DIR/data_batch_2.bin has 0 bytes, expected a multiple of 3,073");
  scratch.write("data_batch_2.bin", record10(9) + record10(10));
  CHECK(refusal(scratch, Split::train) ==
        "DIR/data_batch_2.bin has label 10 at record 1 (byte 3,073), expected less than 10");
  std::filesystem::rename(scratch.path("data_batch_2.bin"), scratch.path("data_batch_3.bin"));
  CHECK(refusal(scratch, Split::train).find("no data_batch_2.bin") != std::string::npos);
  std::filesystem::remove(scratch.path("data_batch_3.bin"));
  scratch.write("batches.meta.txt", "one\ntwo\n");
  CHECK(refusal(scratch, Split::train) == "DIR/batches.meta.txt names 2 classes, expected 10");
  std::filesystem::remove(scratch.path("batches.meta.txt"));
  std::filesystem::remove(scratch.path("data_batch_1.bin"));
  scratch.write("test_batch.bin", record10(1));
  CHECK(refusal(scratch, Split::train).find("no data_batch_1.bin") != std::string::npos);
  std::filesystem::create_directory(scratch.path("data_batch_1.bin"));
  CHECK(refusal(scratch, Split::train) == "DIR/data_batch_1.bin: not a regular file");
}

TEST_CASE("data/samples: 500 and 100 images per class") {
  for (const auto& [split, per_class] : {std::pair{Split::train, 500}, {Split::test, 100}}) {
    const auto samples = open_dataset("data/samples", split);
    CHECK(samples->kind() == Dataset::Kind::cifar10);
    REQUIRE(samples->size() == std::size_t(10 * per_class));
    std::vector<int> count(10);
    std::set<std::string> distinct;
    for (std::size_t i = 0; i < samples->size(); ++i) {
      ++count[std::size_t(samples->label(i))];
      const Image image = samples->image(i);
      distinct.emplace(image.pixels.begin(), image.pixels.end());
    }
    CHECK(count == std::vector<int>(10, per_class));
    CHECK(distinct.size() == samples->size());
    CHECK(samples->classes().front() == "airplane");
    CHECK(samples->classes().back() == "truck");
  }
}
