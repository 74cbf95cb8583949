// The index of a packed data set: which images there are, and where their bytes lie.
//
// A packed data set is a folder:
//
//   index.dyadpack     the tables below
//   00000.dyadshard    the bytes of images, one after another; 00001.dyadshard ...
//
// The index, in little-endian numbers without gaps:
//
//   PackHeader
//   u64 bytes of each shard
//   PackSplit of each data::Split, in the order of the enumeration
//   PackText, the name of each class
//   PackImage of each image
//   text: UTF-8, which the tables point into
//
// An image's bytes are a file (JPEG, PNG ...), or its pixels: 8-bit RGB, row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"

namespace data {

struct PackHeader {
  char magic[8];  // "DYADPACK"
  std::uint32_t version;
  std::uint32_t kind;        // data::Dataset::Kind of what was packed
  std::uint64_t hash;        // XXH64 of the index from file_bytes on
  std::uint64_t file_bytes;  // of the index
  std::uint64_t images;
  std::uint32_t shards, classes;
  std::uint64_t text_bytes;
  std::uint64_t zero;
};

struct PackText {  // a part of the text
  std::uint64_t begin, bytes;
};

struct PackSplit {
  PackText title, unlabelled;  // Dataset::title() and unlabelled()
  std::uint64_t flags;         // 1: the split exists, 2: it has the classes
};

struct PackImage {
  std::uint64_t begin, bytes;  // in the shard
  std::uint64_t hash;          // XXH64 of these bytes
  std::uint64_t name, entry;   // begin in the text: Dataset::name() below the packed folder, and entry()
  std::uint32_t name_bytes, entry_bytes;
  std::uint32_t shard;
  std::int32_t label;           // -1: none
  std::uint32_t height, width;  // of pixels; 0: the bytes are a file
  std::uint32_t splits;         // bit k: it is in the split of number k
  std::uint32_t zero;
};

static_assert(sizeof(PackHeader) == 64 && sizeof(PackText) == 16 && sizeof(PackSplit) == 40 &&
              sizeof(PackImage) == 72);

constexpr std::uint32_t pack_version = 1;
constexpr std::size_t pack_splits = 5;
constexpr const char* pack_index_name = "index.dyadpack";
std::string pack_shard_name(std::size_t shard);  // "00012.dyadshard"

// The tables of an index. Its bytes are checked, and must outlive it.
class PackIndex {
 public:
  // file: the name of the index for messages. DataError, one line, if the bytes are not a whole, valid index.
  PackIndex(std::string_view bytes, const std::string& file);

  const PackHeader& header() const { return *header_; }
  std::span<const std::uint64_t> shards() const { return shards_; }
  const PackSplit& split(Split s) const { return splits_[std::size_t(s)]; }
  std::span<const PackText> classes() const { return classes_; }
  std::span<const PackImage> images() const { return images_; }
  std::string_view text(std::uint64_t begin, std::uint64_t bytes) const {
    return text_.substr(std::size_t(begin), std::size_t(bytes));
  }
  std::string_view text(const PackText& t) const { return text(t.begin, t.bytes); }

 private:
  void check_texts(const std::string& file) const;
  void check_image(std::size_t i, const std::string& file) const;

  const PackHeader* header_;
  std::span<const std::uint64_t> shards_;
  std::span<const PackSplit> splits_;
  std::span<const PackText> classes_;
  std::span<const PackImage> images_;
  std::string_view text_;
};

// Builds the bytes of an index.
class PackIndexBuilder {
 public:
  PackText add_text(std::string_view);
  // name and entry of the image are set here.
  void add_image(PackImage, const std::string& name, const std::string& entry);
  std::string bytes(Dataset::Kind, const std::vector<std::uint64_t>& shards,
                    const std::vector<PackSplit>& splits, const std::vector<std::string>& classes);

 private:
  std::vector<PackImage> images_;
  std::string text_;
};

}  // namespace data
