// Tar files: their table of contents, WebDataset's shards, archives of folders, and damage.
#include "data/formats/tar.h"

#include <doctest/doctest.h>

#include <set>

#include "data/formats/tar_images.h"
#include "data/loader.h"
#include "engine/error.h"
#include "engine/random.h"
#include "tests/support/encode.h"
#include "tests/support/ranks.h"
#include "tests/support/scratch.h"
#include "tests/support/tar.h"

using namespace data;
using engine::DataError;

namespace {

std::string tiny_png(int value) {
  return encode_png(1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, {std::uint8_t(value), 2, 3});
}

// A shard of WebDataset: images first .. first + count - 1, whose class is their number modulo 3.
std::string webdataset(int first, int count) {
  std::string shard;
  for (int i = first; i < first + count; ++i) {
    const std::string key = "./" + std::to_string(i);
    shard += tar_member(key + ".cls", std::to_string(i % 3) + "\n") + tar_member(key + ".png", tiny_png(i)) +
             tar_member(key + ".json", "{}");
  }
  return shard + tar_end();
}

std::string tar_refusal(const Scratch& scratch, const std::string& data, Split split = Split::train) {
  std::string text = message_of<DataError>([&] { open_dataset(data, split); });
  CHECK(text.find('\n') == std::string::npos);
  const std::string own = scratch.folder.string();
  for (std::size_t at; (at = text.find(own)) != std::string::npos;) text.replace(at, own.size(), "DIR");
  return text;
}

}  // namespace

TEST_CASE("tar: ustar, GNU's and pax's long names, sizes, and what is no file") {
  const std::string longer(150, 'n');
  const std::string archive =
      tar_member("folder/", "", '5') + tar_member("a.txt", "hello") + tar_member("link", "", '2') +
      tar_member("././@LongLink", longer + std::string(1, '\0'), 'L') + tar_member("short", "1234567") +
      tar_member("pax", "20 path=some/\xc3\xa4.png\n10 size=3\n", 'x') + tar_member("x", "abc") +
      tar_member("g", "8 a=b c\n", 'g') + tar_member("last", std::string(512, 'y')) + tar_end();
  const auto entries = tar_entries(archive, "x.tar");
  REQUIRE(entries.size() == 4);
  const auto content = [&](std::size_t i) {
    return archive.substr(std::size_t(entries[i].begin), std::size_t(entries[i].bytes));
  };
  CHECK(entries[0].name == "a.txt");
  CHECK(content(0) == "hello");
  CHECK(entries[1].name == longer);
  CHECK(content(1) == "1234567");
  CHECK(entries[2].name == "some/\xc3\xa4.png");
  CHECK(content(2) == "abc");
  CHECK(entries[3].name == "last");
  CHECK(content(3) == std::string(512, 'y'));
  CHECK(tar_entries(archive.substr(0, archive.size() - 1024), "x").size() == 4);  // without its end
}

TEST_CASE("tar: each cut and each changed byte of a header is an error or the same names") {
  const std::string archive = tar_member("a.png", "hello") + tar_member("b.png", "you") + tar_end();
  for (std::size_t length = 1; length < 2048; length += 13) {
    const std::string text = message_of<DataError>([&] { tar_entries(archive.substr(0, length), "x.tar"); });
    const std::size_t of_member = length % 1024;  // header, content, and padding, which may be missing
    CHECK(text.starts_with("x.tar: the header at byte ") ==
          (of_member > 0 && of_member < 512 + (length < 1024 ? 5 : 3)));
  }
  for (std::size_t at = 0; at < 512; ++at) {
    std::string changed = archive;
    changed[at] = char(changed[at] ^ 1);
    const std::string text = message_of<DataError>([&] { tar_entries(changed, "x.tar"); });
    INFO(at, " ", text);
    // the checksum's own padding has no meaning
    if (at != 154 && at != 155)
      CHECK(text ==
            "x.tar: the header at byte 0 has a wrong checksum, expected a tar archive: it is damaged");
  }
}

TEST_CASE("tar: WebDataset's shards by a pattern, in a folder, and one alone") {
  const Scratch scratch;
  for (int s = 0; s < 3; ++s) scratch.write("train-00" + std::to_string(s) + ".tar", webdataset(7 * s, 7));
  scratch.write("val-0.tar", webdataset(30, 4));
  const auto train = open_dataset(scratch.path("train-{000..002}.tar"), Split::train);
  CHECK(describe(*train) == "tar files: 21 images, 3 classes; in 3 archives");
  const auto folder = open_dataset(scratch.folder, Split::pretrain);
  REQUIRE(folder->size() == 21);
  for (std::size_t i = 0; i < 21; ++i) {
    CHECK(train->image(i).pixels[0] == i);
    CHECK(folder->image(i).pixels[0] == i);
    CHECK(train->label(i) == int(i % 3));
  }
  CHECK(train->entry(8) == "train-001.tar/8.png");
  CHECK(train->unlabelled() == "");
  CHECK(has_split(scratch.folder, Split::test));
  CHECK_FALSE(has_split(scratch.folder, Split::only_test));
  CHECK(open_dataset(scratch.folder, Split::test)->size() == 4);
  CHECK(open_dataset(scratch.folder, Split::test)->classes() == train->classes());
  CHECK(open_dataset(scratch.path("train-001.tar"), Split::train)->size() == 7);
  CHECK_FALSE(has_split(scratch.path("train-001.tar"), Split::test));
  CHECK(tar_refusal(scratch, scratch.path("train-001.tar"), Split::test) ==
        "DIR/train-001.tar has tar files for training only, expected some with \"test\" in their names");
  CHECK(tar_refusal(scratch, scratch.path("train-{000..009}.tar"))
            .starts_with("DIR/train-003.tar: No such file"));
  CHECK(tar_refusal(scratch, scratch.path("train-{5..2}.tar")).find("expected an ascending range") !=
        std::string::npos);
}

TEST_CASE("tar: three ranks read every image of the shards once, in the order of one rank") {
  const Scratch scratch;
  for (int s = 0; s < 3; ++s) scratch.write("s-" + std::to_string(s) + ".tar", webdataset(7 * s, 7));
  const auto set = open_dataset(scratch.path("s-{0..2}.tar"), Split::pretrain);
  const LoaderOptions o{.batch = 8, .drop_last = false, .threads = 1, .seed = 4};
  const auto rows_of = [&](int b, const engine::Communicator& c) {
    Loader loader(*set, o, c);
    loader.seek(1, b);
    return loader.next().samples;
  };
  std::set<std::uint32_t> all;
  for (int b = 0; b < 3; ++b) {
    const auto one = rows_of(b, engine::single());
    all.insert(one.begin(), one.end());
    std::vector<std::uint32_t> joined;
    std::vector<std::vector<std::uint32_t>> parts(3);
    on_ranks(3, [&](const engine::Communicator& c) { parts[std::size_t(c.rank())] = rows_of(b, c); });
    for (const auto& part : parts) joined.insert(joined.end(), part.begin(), part.end());
    CHECK(joined == one);
  }
  CHECK(all.size() == 21);
}

TEST_CASE("tar: archives of class folders, below a folder that all share") {
  const Scratch scratch;
  scratch.write("photos.tar", tar_member("set/train/dog/1.png", tiny_png(1)) +
                                  tar_member("set/train/cat/2.png", tiny_png(2)) +
                                  tar_member("set/train/cat/deep/3.PNG", tiny_png(3)) +
                                  tar_member("set/train/cat/._3.png", "x") +
                                  tar_member("set/train/note.txt", "x") + tar_end());
  const auto set = open_dataset(scratch.path("photos.tar"), Split::train);
  CHECK(set->classes() == std::vector<std::string>{"cat", "dog"});
  REQUIRE(set->size() == 3);
  CHECK(set->label(0) == 1);
  CHECK(set->label(2) == 0);
  scratch.write("loose.tar", tar_member("1.png", tiny_png(1)) + tar_end());
  const auto loose = open_dataset(scratch.path("loose.tar"), Split::train);
  CHECK(loose->classes().empty());
  CHECK(loose->unlabelled().find("1.png has no class, expected KEY.cls beside KEY.jpg, or CLASS/FILE") !=
        std::string::npos);
  scratch.write("both.tar", tar_member("train/a/1.png", tiny_png(1)) +
                                tar_member("val/a/2.png", tiny_png(1)) + tar_end());
  CHECK(tar_refusal(scratch, scratch.path("both.tar")) ==
        "DIR/both.tar has a folder train/ in its archives, expected one archive for each split, or class "
        "folders");
}

TEST_CASE("tar: what is refused") {
  const Scratch scratch;
  scratch.write("empty.tar", tar_member("a.txt", "x") + tar_end());
  CHECK(
      tar_refusal(scratch, scratch.path("empty.tar")).starts_with("DIR/empty.tar: 1 archive without images"));
  scratch.write("zipped.tar", "\x1f\x8b\x08" + std::string(600, 'x'));
  CHECK(tar_refusal(scratch, scratch.path("zipped.tar")).find("the header at byte 0 has a wrong checksum") !=
        std::string::npos);
  scratch.write("class.tar", tar_member("1.cls", "dog") + tar_member("1.png", tiny_png(1)) + tar_end());
  CHECK(tar_refusal(scratch, scratch.path("class.tar")) ==
        "DIR/class.tar: 1.cls (byte 512) is dog, expected the number of a class");
  scratch.write("sparse.tar", tar_member("1.png", "", 'S') + tar_end());
  CHECK(tar_refusal(scratch, scratch.path("sparse.tar")).find("is of a sparse file") != std::string::npos);
  scratch.write("broken.tar", tar_member("1.png", "\x89PNG\r\n\x1a\nno") + tar_end());
  const auto set = open_dataset(scratch.path("broken.tar"), Split::train);
  CHECK(message_of<DataError>([&] { set->image(0); }).starts_with(scratch.path("broken.tar") + "/1.png: "));
}
