// dyad data check, and the EXIF orientation.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/cli/cli.h"
#include "data/check.h"
#include "data/decode/exif.h"
#include "tests/support/encode.h"
#include "tests/support/encode_stb.h"
#include "tests/support/exif.h"
#include "tests/support/scratch.h"

namespace {

std::string jpeg() { return encode_jpeg(8, 8, std::vector<std::uint8_t>(192, 77)); }

std::string jpeg_with_exif(bool little, int tag, int type, int value) {
  return with_exif_entry(jpeg(), little, tag, type, value);
}

int orientation(const std::string& file) {
  return data::exif_orientation(reinterpret_cast<const std::uint8_t*>(file.data()), file.size());
}

struct Answer {
  int code;
  std::string err;
};

Answer ask(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(arguments, out, err);
  return {code, err.str()};
}

}  // namespace

TEST_CASE("EXIF: the orientation is read in both byte orders; truncated or invalid segments are ignored") {
  CHECK(orientation(jpeg()) == 1);
  for (const bool little : {false, true}) {
    for (int value = 1; value <= 8; ++value)
      CHECK(orientation(jpeg_with_exif(little, 0x0112, 3, value)) == value);
    CHECK(orientation(jpeg_with_exif(little, 0x0112, 3, 9)) == 1);
    CHECK(orientation(jpeg_with_exif(little, 0x0112, 4, 6)) == 1);
    CHECK(orientation(jpeg_with_exif(little, 0x0113, 3, 6)) == 1);
    const std::string file = jpeg_with_exif(little, 0x0112, 3, 6);
    for (std::size_t size = 0; size < 38; ++size) CHECK(orientation(file.substr(0, size)) == 1);
    for (std::size_t at = 0; at < file.size(); ++at)
      for (int value = 0; value < 256; ++value) {
        std::string changed = file;
        changed[at] = char(value);
        const int found = orientation(changed);
        CHECK((found >= 1 && found <= 8));
      }
  }
}

TEST_CASE("an EXIF orientation is reported, but not applied") {
  const std::string plain = jpeg(), turned = jpeg_with_exif(true, 0x0112, 3, 6);
  const Scratch scratch;
  scratch.write("a/1.jpg", plain);
  scratch.write("a/2.jpg", turned);
  const auto set = data::open_dataset(scratch.folder, data::Split::train);
  CHECK(set->image(0).orientation == 1);
  CHECK(set->image(1).orientation == 6);
  CHECK(set->image(0).pixels == set->image(1).pixels);
  CHECK(data::check(*set, 2).turned == 1);
}

TEST_CASE("check: every broken image is listed, in order, for any number of threads; formats and sizes") {
  const Scratch scratch;
  const std::string cut = jpeg().substr(0, jpeg().size() - 4);
  std::vector<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "a/" + std::to_string(100 + i) + ".jpg";
    const bool broken = i % 7 == 3;
    scratch.write(name, broken ? cut : jpeg());
    if (broken)
      expected.push_back(scratch.path(name) + ": JPEG of " + std::to_string(cut.size()) +
                         " bytes: Premature end of JPEG file, expected a whole JPEG file");
  }
  scratch.write("b/1.png", encode_png(3, 50, SPNG_COLOR_TYPE_GRAYSCALE, 8, std::vector<std::uint8_t>(150)));
  scratch.write("b/2.bmp", encode_bmp(1, 2, std::string(8, 'x')));
  scratch.write("b/3.heic", "x");
  scratch.write("b/4.JP2", "x");
  const auto set = data::open_dataset(scratch.folder, data::Split::train);
  CHECK(data::describe(*set) == "image folder: 42 images, 2 classes; passed over: 1 .heic, 1 .jp2");
  CHECK(set->passed_over() ==
        std::vector<std::string>{"passed over: 1 .heic: b/3.heic", "passed over: 1 .jp2: b/4.JP2"});
  for (const int threads : {1, 2, 5}) {
    const data::CheckResult r = data::check(*set, threads);
    CHECK(r.images == 42);
    CHECK(r.broken == expected);
    CHECK(r.formats == std::map<std::string, std::size_t>{{"BMP", 1}, {"JPEG", 34}, {"PNG", 1}});
    CHECK((r.smallest.height == 1 && r.smallest.width == 2));
    CHECK((r.largest.height == 3 && r.largest.width == 50));
  }
}

TEST_CASE("dyad data check: exit code 65 if an image is broken, with all of them in the JSON file") {
  const Scratch scratch;
  scratch.write("train/a/1.jpg", jpeg());
  scratch.write("train/a/2.jpg", "GIF89a");
  scratch.write("train/a/3.jpg", "");
  scratch.write("val/a/1.jpg", jpeg());
  const std::string json = scratch.path("check.json"), folder = scratch.folder;
  const Answer a = ask({"data", "check", "--data", folder, "--json", json});
  CHECK(a.code == 65);
  CHECK(a.err == "dyad data check: " + folder + ": 2 of 4 images are broken, expected none\n");
  const auto j = nlohmann::json::parse(scratch.read("check.json"));
  CHECK(j["train"]["broken"].size() == 2);
  CHECK(j["train"]["images"] == 3);
  CHECK(j["val"]["formats"]["JPEG"] == 1);

  std::filesystem::remove(scratch.path("train/a/2.jpg"));
  std::filesystem::remove(scratch.path("train/a/3.jpg"));
  CHECK(ask({"data", "check", "--data", folder}).code == 0);
  CHECK(ask({"data", "check", "--data", "data/samples", "--threads", "2"}).code == 0);
}

TEST_CASE("check: exact duplicates, and test images that are in the training split") {
  const Scratch scratch;
  const auto png = [](int v) { return encode_png(1, 2, SPNG_COLOR_TYPE_GRAYSCALE, 8, {std::uint8_t(v), 7}); };
  scratch.write("train/a/1.png", png(1));
  scratch.write("train/a/2.png", png(2));
  scratch.write("train/a/3.png", png(1));
  scratch.write("train/b/4.png", png(1));
  scratch.write("train/b/5.png", png(1) + "x");  // the same pixels in another file: no exact duplicate
  scratch.write("train/b/6.pgm", std::string("P5 2 1 255\n\x02\x07"));
  scratch.write("val/a/1.png", png(2) + "y");
  scratch.write("val/b/2.png", png(9));
  const auto train = data::open_dataset(scratch.folder, data::Split::train),
             val = data::open_dataset(scratch.folder, data::Split::test);
  const data::CheckResult t = data::check(*train, 2), v = data::check(*val, 1);
  const data::Duplicates d = data::duplicates(*train, t, 10);
  CHECK(d.superfluous == 2);
  CHECK(d.groups == 1);
  REQUIRE(d.shown.size() == 1);
  CHECK(d.shown[0] == std::vector<std::size_t>{0, 2, 3});
  CHECK(data::duplicates(*train, t, 2).shown[0].size() == 2);
  CHECK(data::duplicates(*val, v, 10).groups == 0);

  // the same bytes in another shape are another image
  scratch.write("shapes/wide.pgm", "P5 3 2 255\nabcdef");
  scratch.write("shapes/high.pgm", "P5 2 3 255\nabcdef");
  const auto shapes = data::open_dataset(scratch.path("shapes"), data::Split::pretrain);
  const data::CheckResult checked = data::check(*shapes, 1);
  CHECK(data::duplicates(*shapes, checked, 10).groups == 0);
  using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;
  CHECK(data::overlap(checked, checked, 10).shown == Pairs{{0, 0}, {1, 1}});
  const data::Overlap o = data::overlap(v, t, 10);
  CHECK(o.images == 1);
  CHECK(o.shown == std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}});
}

TEST_CASE(
    "dyad data check: duplicates, overlap and the range of 16-bit images are told; the exit code stays 0") {
  const Scratch scratch;
  const auto sixteen = [](int high) {
    return encode_png(1, 1, SPNG_COLOR_TYPE_GRAYSCALE, 16, {std::uint8_t(high), 255});
  };
  scratch.write("train/a/1.png", sixteen(15));
  scratch.write("train/a/2.png", sixteen(15));
  scratch.write("train/a/3.png", sixteen(1));
  scratch.write("test/a/1.png", sixteen(15));
  const Answer a = ask({"data", "check", "--data", scratch.folder, "--json", scratch.path("check.json")});
  CHECK(a.code == 0);
  const auto j = nlohmann::json::parse(scratch.read("check.json"));
  CHECK(j["train"]["sixteen_bit"] == nlohmann::json{{"images", 3}, {"least", 511}, {"greatest", 4095}});
  CHECK(j["train"]["duplicates"]["images"] == 1);
  CHECK(j["train"]["duplicates"]["groups"][0].size() == 2);
  const std::string kept = j["test"]["in_train"]["pairs"][0][1];
  CHECK(j["test"]["in_train"]["images"] == 1);
  CHECK(kept.ends_with("train/a/1.png"));
}
