// A pack that is damaged, cut or forged is refused in one line that says what, where, and what was expected.
#include <doctest/doctest.h>

#include <cstring>

#include "data/pack/pack_index.h"
#include "data/pack/pack_writer.h"
#include "data/pack/packed_images.h"
#include "data/pack/unpack.h"
#include "engine/error.h"
#include "engine/files/xxh64.h"
#include "engine/random.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DataError;
namespace fs = std::filesystem;

namespace {

const std::string index_name = pack_index_name;

// Four PNGs and a JPEG in two classes, packed.
struct SmallPack {
  Scratch scratch;
  std::string folder = scratch.path("packed");

  explicit SmallPack(const PackOptions& o = {}) {
    const std::vector<std::uint8_t> pixels(12 * 10 * 3, 77);
    for (const char* name : {"a/1", "a/2", "b/3", "b/4"})
      scratch.write("photos/" + std::string(name) + ".png",
                    encode_png(12, 10, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels));
    scratch.write("photos/b/5.jpg", encode_jpeg(12, 10, pixels));
    fs::create_directories(folder);
    write_pack(scratch.path("photos"), "", folder, o);
  }
  void put(const std::string& file, const std::string& bytes) const {
    scratch.write("packed/" + file, bytes);
  }
  std::string get(const std::string& file) const { return scratch.read("packed/" + file); }

  // The error of opening the pack and reading all its images, with DIR for the folder; "" if there is none.
  std::string refusal() const {
    std::string text = message_of<DataError>([&] {
      const auto set = open_dataset(folder, Split::pretrain);
      for (std::size_t i = 0; i < set->size(); ++i) {
        set->image(i);
        set->name(i);
        set->label(i);
      }
    });
    CHECK(text.find('\n') == std::string::npos);
    if (const std::size_t at = text.find(folder); at != std::string::npos)
      text.replace(at, folder.size(), "DIR");
    return text;
  }
};

// Sets the right hash of an index.
void seal(std::string& index) {
  const std::uint64_t hash = engine::xxh64(index.data() + 24, index.size() - 24);
  std::memcpy(index.data() + 16, &hash, sizeof hash);
}

// Changes a field of an index, and its hash.
template <class T>
std::string forged(std::string index, std::size_t at, T value) {
  std::memcpy(index.data() + at, &value, sizeof value);
  seal(index);
  return index;
}

}  // namespace

TEST_CASE("pack: each changed byte and each cut of the index is noticed") {
  const SmallPack small;
  const std::string index = small.get(index_name);
  CHECK(small.refusal() == "");
  int noticed = 0;
  for (std::size_t at = 0; at < index.size(); ++at) {
    std::string changed = index;
    changed[at] = char(changed[at] ^ 0x10);
    small.put(index_name, changed);
    noticed += !small.refusal().empty();
  }
  CHECK(noticed == int(index.size()));
  for (std::size_t length = 0; length < index.size(); length += 7) {
    small.put(index_name, index.substr(0, length));
    CHECK(!small.refusal().empty());
  }
  std::string changed = index;
  changed[100] ^= 1;
  small.put(index_name, changed);
  CHECK(small.refusal().starts_with("DIR/index.dyadpack: bytes 24 to "));
  CHECK(small.refusal().ends_with(" (byte 16): it is damaged"));
  small.put(index_name, index + "x");
  CHECK(small.refusal().ends_with("it was cut or extended"));
  small.put(index_name, index.substr(0, 20));
  CHECK(small.refusal() == "DIR/index.dyadpack: has 20 bytes, expected at least 64");
  changed = index;
  changed[8] = 2;
  small.put(index_name, changed);
  CHECK(small.refusal() ==
        "DIR/index.dyadpack: is of version 2 (byte 8), expected 1: pack the data again, or use the dyad that "
        "packed it");
  small.put(index_name, "PK\x03\x04 and so on");
  CHECK(small.refusal().find("is a zip archive") != std::string::npos);
}

TEST_CASE("pack: each changed byte of a shard is noticed when its image is read, and named") {
  for (const PackOptions::Encode encode : {PackOptions::Encode::keep, PackOptions::Encode::raw}) {
    const SmallPack small({.encode = encode, .shard_bytes = 200});
    const std::string shard = small.get("00001.dyadshard");
    engine::Random random(3);
    for (int i = 0; i < 50; ++i) {
      std::string changed = shard;
      const auto at = random.below(std::uint32_t(shard.size()));
      changed[at] = char(changed[at] ^ char(1 + random.below(255)));
      small.put("00001.dyadshard", changed);
      const std::string text = small.refusal();
      INFO(text);
      CHECK(text.starts_with("DIR/"));
      CHECK(text.find(" of 00001.dyadshard have the hash ") != std::string::npos);
      CHECK(text.ends_with(": the shard is damaged"));
    }
    small.put("00001.dyadshard", shard.substr(1));
    CHECK(small.refusal().find("00001.dyadshard: has ") != std::string::npos);
    small.put("00001.dyadshard", shard);
    CHECK(small.refusal() == "");
    fs::remove(fs::path(small.folder) / "00001.dyadshard");
    CHECK_THROWS_AS(open_dataset(small.folder, Split::train), engine::UnusableFile);
  }
}

TEST_CASE("pack: a damaged image is one that can be skipped") {
  const SmallPack small({.encode = PackOptions::Encode::raw, .shard_bytes = 200});
  std::string shard = small.get("00002.dyadshard");
  shard[5] ^= 4;
  small.put("00002.dyadshard", shard);
  const auto set = open_dataset(small.folder, Split::pretrain);
  Loader loader(*set, {.batch = 5, .threads = 0, .bad_images = BadImages::skip});
  CHECK(loader.next().skipped.size() == 1);
}

TEST_CASE("pack: a forged index, whose hash is right") {
  const SmallPack small;
  const std::string index = small.get(index_name);
  const std::size_t image = index.size() - PackIndex(index, "i").header().text_bytes - 5 * sizeof(PackImage);
  const auto says = [&](const std::string& forgery, const std::string& what) {
    small.put(index_name, forgery);
    const std::string text = small.refusal();
    INFO(text, " | ", what);
    CHECK(text.find(what) != std::string::npos);
  };
  const std::string at = "image 0 (byte " + std::to_string(image) + ") ";
  constexpr std::uint64_t huge = ~std::uint64_t(0);
  says(forged(index, offsetof(PackHeader, images), huge), " images from byte ");
  says(forged(index, offsetof(PackHeader, shards), ~0U),
       " shards from byte 64 on, expected no more than fit");
  says(forged(index, offsetof(PackHeader, classes), ~0U), " classes from byte ");
  says(forged(index, offsetof(PackHeader, text_bytes), huge), " bytes of text from byte ");
  says(forged(index, offsetof(PackHeader, kind), 77U), "kind of images 77 (byte 12)");
  says(forged(index, image + offsetof(PackImage, begin), huge), at + "has ");
  says(forged(index, image + offsetof(PackImage, bytes), huge), at + "has ");
  says(forged(index, image + offsetof(PackImage, name), huge), at + "has a name outside the text");
  says(forged(index, image + offsetof(PackImage, entry_bytes), ~0U), at + "has a name outside the text");
  says(forged(index, image + offsetof(PackImage, shard), 9U), at + "is in shard 9, expected less than 1");
  says(forged(index, image + offsetof(PackImage, label), 2), at + "has label 2, expected -1 to 1");
  says(forged(index, image + offsetof(PackImage, label), -2), at + "has label -2");
  says(forged(index, image + offsetof(PackImage, splits), 32U), at + "is in the splits 32");
  says(forged(index, image + offsetof(PackImage, height), 12U), at + "has ");
  says(forged(index, image + offsetof(PackImage, hash), huge), "the shard is damaged");
  const std::size_t split = 64 + 8 + 2 * sizeof(PackSplit);  // Split::pretrain
  says(forged(index, split, huge), "the title of split 2 is at ");
  says(forged(index, split + offsetof(PackSplit, flags), std::uint64_t(0)), "without this split");
  says(forged(index, split + offsetof(PackSplit, flags), std::uint64_t(1)),
       "expected none in a split without classes");
  const std::string pixels = forged(index, image + offsetof(PackImage, height), ~0U);
  says(forged(pixels, image + offsetof(PackImage, width), ~0U), at + "has ");
}

TEST_CASE("unpack: a name that leaves the folder is refused") {
  const SmallPack small;
  const auto named = [&](const std::string& name) {
    PackIndexBuilder builder;
    const std::string shard = small.get("00000.dyadshard");
    PackImage image{};
    image.bytes = shard.size();
    image.hash = engine::xxh64(shard.data(), shard.size());
    image.label = -1;
    image.splits = 4;
    builder.add_image(image, name, name);
    std::vector<PackSplit> splits(pack_splits);
    splits[2].flags = 1;
    small.put(index_name, builder.bytes(Dataset::Kind::image_folder, {shard.size()}, splits, {}));
    fs::create_directories(small.scratch.folder / "out");
    return message_of<DataError>([&] { unpack(small.folder, small.scratch.path("out")); });
  };
  for (const char* name : {"../x.png", "a/../../x.png", "/x.png", ""}) {
    INFO(name);
    CHECK(named(name).find("expected a file below the folder") != std::string::npos);
  }
  CHECK_FALSE(fs::exists(small.scratch.folder / "x.png"));
  CHECK(named("a/x.png") == "");
  CHECK(fs::exists(small.scratch.folder / "out/a/x.png"));
}
