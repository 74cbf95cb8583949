// A packed data set is the data set that was packed: the same images in the same order.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data/check.h"
#include "data/list_hash.h"
#include "data/pack/encode_jpeg.h"
#include "data/pack/pack_index.h"
#include "data/pack/pack_writer.h"
#include "data/pack/packed_images.h"
#include "data/pack/resize.h"
#include "data/pack/unpack.h"
#include "engine/error.h"
#include "engine/files/xxh64.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DataError;
namespace fs = std::filesystem;

namespace {

using Encode = PackOptions::Encode;
constexpr Split all_splits[] = {Split::train, Split::test, Split::pretrain, Split::only_val,
                                Split::only_test};

std::vector<std::uint8_t> photograph(int height, int width, int i) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        pixels.push_back(
            std::uint8_t(128 + 60 * std::sin(0.2 * (x + i) + c) + 50 * std::cos(0.3 * y - c + i)));
  return pixels;
}

// Two classes, a validation split, and images beside the classes; JPEG and PNG of several sizes.
void write_photographs(const Scratch& scratch, const std::string& folder) {
  int i = 0;
  for (const char* name : {"train/cat/a", "train/cat/b", "train/dog/c", "train/dog/d", "train/dog/e",
                           "train/loose", "val/cat/f", "val/dog/g"}) {
    const int height = 20 + 3 * i, width = 31 - 2 * i;
    const auto pixels = photograph(height, width, i);
    if (i++ % 3 == 2)
      scratch.write(folder + "/" + name + ".png",
                    encode_png(height, width, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels));
    else
      scratch.write(folder + "/" + name + ".jpg",
                    encode_jpeg(height, width, pixels, {.across = 2, .down = 2}));
  }
}

PackResult pack(const Scratch& scratch, const std::string& from, const std::string& to,
                const PackOptions& o = {}) {
  fs::create_directories(scratch.folder / to);
  return write_pack(from, "", scratch.path(to), o);
}

// Compares all splits but for pixels, which `pixels` compares.
template <class Compare>
void check_same(const std::string& from, const std::string& to, Compare pixels) {
  for (const Split s : all_splits) {
    REQUIRE(has_split(from, s) == has_split(to, s));
    if (!has_split(from, s)) continue;
    const auto before = open_dataset(from, s), after = open_dataset(to, s);
    REQUIRE(after->size() == before->size());
    CHECK(after->classes() == before->classes());
    CHECK(after->kind() == before->kind());
    CHECK(after->title() == before->title());
    CHECK(after->unlabelled() == before->unlabelled());
    CHECK(list_hash(*after, to) == list_hash(*before, from));
    for (std::size_t i = 0; i < before->size(); ++i) {
      CHECK(after->label(i) == before->label(i));
      CHECK(after->entry(i) == before->entry(i));
      pixels(before->image(i), after->image(i));
    }
  }
}

const auto equal_pixels = [](const Image& a, const Image& b) {
  CHECK(a.height == b.height);
  CHECK(a.width == b.width);
  CHECK(a.pixels == b.pixels);
};

}  // namespace

TEST_CASE("xxh64: the reference's values") {
  CHECK(engine::xxh64("", 0) == 0xef46db3751d8e999u);
  CHECK(engine::xxh64("a", 1) == 0xd24ec4f1a98c6e5bu);
  CHECK(engine::xxh64("abc", 3) == 0x44bc2cf5ad770999u);
  const std::string longer = "Nobody inspects the spammish repetition";
  CHECK(engine::xxh64(longer.data(), longer.size()) == 0xfbcea83c8a378bf1u);
}

TEST_CASE("pack: files that are kept are the same data set, and unpack to the same files") {
  const Scratch scratch;
  write_photographs(scratch, "photos");
  const std::string from = scratch.path("photos"), to = scratch.path("packed");
  const PackResult r = pack(scratch, from, "packed", {.shard_bytes = 3000, .threads = 2});
  CHECK(r.images == 8);
  CHECK(r.shards > 2);
  CHECK(r.skipped.empty());
  check_same(from, to, equal_pixels);
  CHECK(describe(*open_dataset(to, Split::train)) ==
        "image folder, train/: 5 images, 2 classes; packed in " + std::to_string(r.shards) + " shards");
  fs::create_directories(scratch.folder / "again");
  CHECK(unpack(to, scratch.path("again")) == 8);
  for (const auto& file : fs::recursive_directory_iterator(scratch.folder / "photos"))
    if (file.is_regular_file()) {
      const std::string name = fs::relative(file.path(), scratch.folder / "photos");
      CHECK(scratch.read("again/" + name) == scratch.read("photos/" + name));
    }
  check_same(from, scratch.path("again"), equal_pixels);
  // a pack of a pack
  pack(scratch, to, "twice");
  check_same(from, scratch.path("twice"), equal_pixels);
}

TEST_CASE("pack: raw pixels, whole and smaller") {
  const Scratch scratch;
  write_photographs(scratch, "photos");
  const std::string from = scratch.path("photos");
  pack(scratch, from, "raw", {.encode = Encode::raw});
  check_same(from, scratch.path("raw"), equal_pixels);
  const auto raw = open_dataset(scratch.path("raw"), Split::train);
  CHECK(raw->pixel_bytes() == 3 * (20 * 31 + 23 * 29 + 26 * 27 + 29 * 25 + 32 * 23));
  pack(scratch, from, "small", {.encode = Encode::raw, .shorter_side = 12});
  check_same(from, scratch.path("small"), [](Image a, const Image& b) {
    shrink_to_shorter_side(a, 12);
    equal_pixels(a, b);
    CHECK(std::min(b.height, b.width) == 12);
  });
  fs::create_directories(scratch.folder / "again");
  unpack(scratch.path("raw"), scratch.path("again"));
  const auto again = open_dataset(scratch.path("again"), Split::pretrain);
  for (std::size_t i = 0; i < again->size(); ++i)
    equal_pixels(again->image(i), open_dataset(from, Split::pretrain)->image(i));
}

TEST_CASE("pack: JPEGs of a quality") {
  const Scratch scratch;
  write_photographs(scratch, "photos");
  pack(scratch, scratch.path("photos"), "jpeg", {.encode = Encode::jpeg, .quality = 90});
  check_same(scratch.path("photos"), scratch.path("jpeg"), [](const Image& a, const Image& b) {
    REQUIRE(a.pixels.size() == b.pixels.size());
    double sum = 0;
    for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
    CHECK(sum / double(a.pixels.size()) < 12);
    CHECK(std::string(b.format) == "JPEG");
  });
}

TEST_CASE("pack: CIFAR keeps its records' pixels, its kind and its numbers") {
  const Scratch scratch;
  pack(scratch, "data/samples", "packed", {.shard_bytes = 1 << 20});
  const std::string to = scratch.path("packed");
  check_same("data/samples", to, equal_pixels);
  fs::create_directories(scratch.folder / "again");
  CHECK(unpack(to, scratch.path("again")) == 6000);
  CHECK(open_dataset(scratch.path("again"), Split::train)->size() == 5000);
  CHECK(open_dataset(scratch.path("again"), Split::test)->classes() ==
        open_dataset("data/samples", Split::test)->classes());
}

TEST_CASE("pack: a list of images, and one image that can't be decoded") {
  const Scratch scratch;
  write_photographs(scratch, "photos");
  scratch.write("photos/train/dog/broken.jpg", "\xff\xd8\xff not a JPEG");
  const std::string from = scratch.path("photos");
  CHECK(message_of<DataError>([&] { pack(scratch, from, "stopped"); }).find("broken.jpg: JPEG header") !=
        std::string::npos);
  CHECK_FALSE(is_pack(scratch.path("stopped")));
  const PackResult r = pack(scratch, from, "skipped", {.bad_images = BadImages::skip});
  CHECK(r.skipped.size() == 1);
  CHECK(open_dataset(scratch.path("skipped"), Split::train)->size() == 5);
  CHECK(check(*open_dataset(scratch.path("skipped"), Split::pretrain), 1).broken.empty());
  const std::string list = scratch.write("photos/list.txt", "train/cat/b.jpg\nval/dog/g.jpg\n");
  pack(scratch, list, "listed");
  const auto listed = open_dataset(scratch.path("listed"), Split::pretrain);
  CHECK(listed->size() == 2);
  CHECK(listed->entry(1) == open_dataset(list, Split::pretrain)->entry(1));
  CHECK(has_split(scratch.path("listed"), Split::train));
  CHECK_FALSE(has_split(scratch.path("listed"), Split::test));
  CHECK(message_of<DataError>([&] { open_dataset(scratch.path("listed"), Split::test); }) ==
        scratch.path("listed") +
            " is a packed data set without this split, expected one for evaluation (test/ or val/)");
}

TEST_CASE("pack: exact duplicates and overlaps are found as in the folder") {
  const Scratch scratch;
  write_photographs(scratch, "photos");
  fs::copy_file(scratch.folder / "photos/train/cat/a.jpg", scratch.folder / "photos/val/cat/again.jpg");
  fs::copy_file(scratch.folder / "photos/train/cat/a.jpg", scratch.folder / "photos/train/dog/again.jpg");
  pack(scratch, scratch.path("photos"), "packed");
  const auto train = open_dataset(scratch.path("packed"), Split::pretrain),
             val = open_dataset(scratch.path("packed"), Split::only_val);
  const CheckResult of_train = check(*train, 1), of_val = check(*val, 1);
  CHECK(duplicates(*train, of_train, 5).superfluous == 1);
  CHECK(overlap(of_val, of_train, 5).images == 1);
}

TEST_CASE("resize: the pixels of Pillow 13's resize(BILINEAR)") {
  const auto made = [](int height, int width) {
    Image image{height, width, {}};
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c)
          image.pixels.push_back(std::uint8_t(37 * y + 91 * x + 53 * c + y * x * 7));
    return image;
  };
  using Levels = std::vector<std::uint8_t>;
  Image wide = made(5, 7), tall = made(9, 6), small = wide;
  shrink_to_shorter_side(wide, 3);
  CHECK(wide.pixels == Levels{65,  113, 159, 140, 136, 112, 107, 160, 126, 93,  146, 132,
                              119, 146, 137, 117, 129, 138, 149, 128, 124, 117, 163, 115,
                              118, 124, 177, 140, 130, 152, 147, 129, 130, 121, 112, 118});
  shrink_to_shorter_side(tall, 4);
  CHECK(tall.height == 6);
  CHECK(tall.pixels == Levels{49,  102, 155, 152, 152, 116, 88,  131, 133, 131, 184, 101, 104, 147, 146,
                              126, 123, 125, 143, 139, 148, 118, 117, 121, 130, 130, 172, 122, 118, 146,
                              153, 150, 123, 143, 132, 96,  127, 163, 127, 123, 151, 125, 141, 134, 125,
                              134, 123, 122, 132, 96,  131, 138, 112, 139, 142, 132, 125, 149, 148, 137,
                              80,  133, 126, 112, 147, 137, 150, 114, 114, 82,  135, 128});
  shrink_to_shorter_side(small, 5);
  CHECK(small.pixels == made(5, 7).pixels);
}
