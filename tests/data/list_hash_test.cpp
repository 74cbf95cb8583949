// The hash of a data set's list: names and labels count, the place of the folder does not.
#include "data/list_hash.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/support/scratch.h"
#include "tests/support/small_cifar.h"

namespace {

std::uint64_t hash_of(const std::string& folder) {
  return data::list_hash(*data::open_dataset(folder, data::Split::train), folder);
}

void add_images(const Scratch& scratch, const std::string& folder, const std::set<std::string>& names) {
  for (const std::string& name : names) scratch.write(folder + "/" + name, "no image is read");
}

}  // namespace

TEST_CASE("list hash: the same images in another place are the same list") {
  const Scratch scratch;
  add_images(scratch, "one", {"a/1.png", "a/2.png", "b/3.png"});
  add_images(scratch, "deep/two", {"a/1.png", "a/2.png", "b/3.png"});
  const std::uint64_t hash = hash_of(scratch.path("one"));
  CHECK(hash == hash_of(scratch.path("deep/two")));
  CHECK(hash == hash_of(scratch.path("one/")));
  CHECK(hash == hash_of(scratch.path("one//")));
}

TEST_CASE("files text: sizes count, and on request every byte") {
  const Scratch scratch;
  for (const char* folder : {"one", "same", "size", "byte"}) {
    scratch.write(std::string(folder) + "/a/1.png", "first");
    scratch.write(std::string(folder) + "/b/2.png", std::string(folder) == "size" ? "second!" : "second");
  }
  scratch.write("byte/b/2.png", "sEcond");
  const auto text = [&](const std::string& folder, bool contents) {
    return data::files_text(*data::open_dataset(scratch.path(folder), data::Split::train), contents);
  };
  CHECK(text("one", false).starts_with("2 files of 11 bytes, hash of sizes "));
  CHECK(text("one", true).starts_with("2 files of 11 bytes, hash of contents "));
  for (const bool contents : {false, true}) {
    CHECK(text("one", contents) == text("same", contents));
    CHECK(text("one", contents) != text("size", contents));
    CHECK((text("one", contents) != text("byte", contents)) == contents);
  }
  // one file with all images is read once; the last byte of another one differs
  const std::string plain = small_cifar(scratch, "plain", 8, 8), other = small_cifar(scratch, "other", 8, 8);
  std::string bytes = scratch.read("other/data_batch_1.bin");
  bytes.back() = char(bytes.back() ^ 1);
  scratch.write("other/data_batch_1.bin", bytes);
  CHECK(text("plain", false).starts_with("1 file of "));
  CHECK(text("plain", false) == text("other", false));
  CHECK(text("plain", true) != text("other", true));
}

TEST_CASE("list hash: another name, another class, another order of classes are other lists") {
  const Scratch scratch;
  add_images(scratch, "one", {"a/1.png", "a/2.png", "b/3.png"});
  add_images(scratch, "name", {"a/1.png", "a/2.png", "b/4.png"});
  add_images(scratch, "class", {"a/1.png", "b/2.png", "b/3.png"});
  add_images(scratch, "more", {"a/1.png", "a/2.png", "b/3.png", "b/4.png"});
  std::set<std::uint64_t> hashes;
  for (const char* folder : {"one", "name", "class", "more"}) hashes.insert(hash_of(scratch.path(folder)));
  CHECK(hashes.size() == 4);
  const std::string plain = small_cifar(scratch, "plain", 8, 8),
                    relabelled =
                        small_cifar(scratch, "relabelled", 8, 8, [](const std::string&, int i, int label) {
                          return i == 3 ? (label + 1) % 10 : label;
                        });
  CHECK(hash_of(plain) != hash_of(relabelled));
}
