#include "data/pack/pack_index.h"

#include <cstdio>
#include <cstring>

#include "data/decode/decode.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/files/file_kind.h"
#include "engine/files/hash.h"
#include "engine/files/xxh64.h"

namespace data {

using engine::require_data;

namespace {

constexpr char pack_magic[8] = {'D', 'Y', 'A', 'D', 'P', 'A', 'C', 'K'};
constexpr std::size_t hashed_from = offsetof(PackHeader, file_bytes);

bool lies_within(std::uint64_t begin, std::uint64_t bytes, std::uint64_t whole) {
  return begin <= whole && bytes <= whole - begin;
}

// Takes tables from the front of the index.
class Tables {
 public:
  Tables(std::string_view bytes, const std::string& file) : bytes_(bytes), file_(file) {}

  template <class T>
  std::span<const T> take(std::uint64_t count, const char* what) {
    require_data(count <= (bytes_.size() - at_) / sizeof(T), file_, ": ", with_commas(count), " ", what,
                 " from byte ", with_commas(at_), " on, expected no more than fit its ",
                 with_commas(bytes_.size()), " bytes");
    const auto* first = reinterpret_cast<const T*>(bytes_.data() + at_);
    at_ += std::size_t(count) * sizeof(T);
    return {first, std::size_t(count)};
  }
  std::string_view rest() const { return bytes_.substr(at_); }
  std::size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  const std::string& file_;
  std::size_t at_ = 0;
};

const PackHeader& checked_header(std::string_view bytes, const std::string& file) {
  const bool begins =
      bytes.size() >= sizeof pack_magic && std::memcmp(bytes.data(), pack_magic, sizeof pack_magic) == 0;
  const std::string kind = begins ? "" : engine::file_kind(bytes.data(), bytes.size());
  require_data(begins, file, kind.empty() ? ": does not begin with DYADPACK" : ": is ", kind,
               ", expected the index of a packed data set");
  require_data(bytes.size() >= sizeof(PackHeader), file, ": has ", with_commas(bytes.size()),
               " bytes, expected at least ", sizeof(PackHeader));
  const auto& h = *reinterpret_cast<const PackHeader*>(bytes.data());
  require_data(h.version == pack_version, file, ": is of version ", h.version, " (byte 8), expected ",
               pack_version, ": pack the data again, or use the dyad that packed it");
  require_data(h.file_bytes == bytes.size(), file, ": has ", with_commas(bytes.size()), " bytes, expected ",
               with_commas(h.file_bytes), ": it was cut or extended");
  const std::uint64_t hash = engine::xxh64(bytes.data() + hashed_from, bytes.size() - hashed_from);
  require_data(hash == h.hash, file, ": bytes ", hashed_from, " to ", with_commas(bytes.size()),
               " have the hash ", engine::hash_text(hash), ", expected ", engine::hash_text(h.hash),
               " (byte 16): it is damaged");
  require_data(h.kind <= std::uint32_t(Dataset::Kind::other), file, ": kind of images ", h.kind,
               " (byte 12), expected at most ", int(Dataset::Kind::other));
  return h;
}

}  // namespace

std::string pack_shard_name(std::size_t shard) {
  char name[40];
  std::snprintf(name, sizeof name, "%05zu.dyadshard", shard);
  return name;
}

PackIndex::PackIndex(std::string_view bytes, const std::string& file)
    : header_(&checked_header(bytes, file)) {
  Tables tables(bytes, file);
  tables.take<PackHeader>(1, "header");
  shards_ = tables.take<std::uint64_t>(header_->shards, "shards");
  splits_ = tables.take<PackSplit>(pack_splits, "splits");
  classes_ = tables.take<PackText>(header_->classes, "classes");
  images_ = tables.take<PackImage>(header_->images, "images");
  text_ = tables.rest();
  require_data(text_.size() == header_->text_bytes, file, ": ", with_commas(header_->text_bytes),
               " bytes of text from byte ", with_commas(tables.at()), " on, expected ",
               with_commas(text_.size()));
  require_data(header_->images < std::uint64_t(1) << 32, file, ": ", with_commas(header_->images),
               " images, expected fewer than 2^32");
  check_texts(file);
  for (std::size_t i = 0; i < images_.size(); ++i) check_image(i, file);
}

void PackIndex::check_texts(const std::string& file) const {
  const auto check = [&](const PackText& t, const char* what, std::size_t i) {
    require_data(lies_within(t.begin, t.bytes, text_.size()), file, ": ", what, " ", i, " is at ",
                 with_commas(t.begin), " in the text, with ", with_commas(t.bytes),
                 " bytes, expected within ", with_commas(text_.size()));
  };
  for (std::size_t i = 0; i < splits_.size(); ++i) {
    check(splits_[i].title, "the title of split", i);
    check(splits_[i].unlabelled, "the text of split", i);
  }
  for (std::size_t i = 0; i < classes_.size(); ++i) check(classes_[i], "the name of class", i);
}

void PackIndex::check_image(std::size_t i, const std::string& file) const {
  const PackImage& image = images_[i];
  const auto fail =
      [&](auto... what) {  // called only where something is wrong: there may be millions of images
        const auto at = reinterpret_cast<const char*>(&image) - reinterpret_cast<const char*>(header_);
        require_data(false, file, ": image ", with_commas(i), " (byte ", with_commas(std::uint64_t(at)), ") ",
                     what...);
      };
  if (image.shard >= shards_.size())
    fail("is in shard ", image.shard, ", expected less than ", shards_.size());
  if (!lies_within(image.begin, image.bytes, shards_[image.shard]))
    fail("has ", with_commas(image.bytes), " bytes at ", with_commas(image.begin), " of shard ", image.shard,
         ", expected within ", with_commas(shards_[image.shard]));
  if (!lies_within(image.name, image.name_bytes, text_.size()) ||
      !lies_within(image.entry, image.entry_bytes, text_.size()))
    fail("has a name outside the text of ", with_commas(text_.size()), " bytes");
  if (image.label < -1 || (image.label >= 0 && std::uint32_t(image.label) >= header_->classes))
    fail("has label ", image.label, ", expected -1 to ", std::int64_t(header_->classes) - 1);
  if (image.splits >= 1U << pack_splits)
    fail("is in the splits ", image.splits, ", expected less than ", 1U << pack_splits);
  const std::uint64_t pixels = std::uint64_t(image.height) * image.width;
  const bool sized = (image.height == 0) == (image.width == 0) && image.height <= std::uint32_t(max_side) &&
                     image.width <= std::uint32_t(max_side) && pixels <= std::uint64_t(max_pixels);
  if (!sized || (pixels > 0 && 3 * pixels != image.bytes))
    fail("has ", with_commas(image.bytes), " bytes for ", with_commas(image.height), " x ",
         with_commas(image.width), " pixels, expected 3 for each pixel, and sides of at most ",
         with_commas(max_side));
}

PackText PackIndexBuilder::add_text(std::string_view text) {
  const PackText at{text_.size(), text.size()};
  text_ += text;
  return at;
}

void PackIndexBuilder::add_image(PackImage image, const std::string& name, const std::string& entry) {
  const PackText whole = add_text(name);
  const PackText listed = name.ends_with(entry)
                              ? PackText{whole.begin + name.size() - entry.size(), entry.size()}
                              : add_text(entry);
  image.name = whole.begin, image.name_bytes = std::uint32_t(whole.bytes);
  image.entry = listed.begin, image.entry_bytes = std::uint32_t(listed.bytes);
  images_.push_back(image);
}

std::string PackIndexBuilder::bytes(Dataset::Kind kind, const std::vector<std::uint64_t>& shards,
                                    const std::vector<PackSplit>& splits,
                                    const std::vector<std::string>& classes) {
  engine::require(splits.size() == pack_splits, "PackIndexBuilder: ", splits.size(), " splits, expected ",
                  pack_splits);
  std::vector<PackText> names;
  for (const std::string& name : classes) names.push_back(add_text(name));
  PackHeader header{};
  std::memcpy(header.magic, pack_magic, sizeof pack_magic);
  header.version = pack_version;
  header.kind = std::uint32_t(kind);
  header.images = images_.size();
  header.shards = std::uint32_t(shards.size());
  header.classes = std::uint32_t(classes.size());
  header.text_bytes = text_.size();
  std::string bytes;
  const auto append = [&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
  };
  append(&header, sizeof header);
  append(shards.data(), shards.size() * sizeof shards[0]);
  append(splits.data(), splits.size() * sizeof splits[0]);
  append(names.data(), names.size() * sizeof names[0]);
  append(images_.data(), images_.size() * sizeof images_[0]);
  bytes += text_;
  header.file_bytes = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof header);
  header.hash = engine::xxh64(bytes.data() + hashed_from, bytes.size() - hashed_from);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

}  // namespace data
