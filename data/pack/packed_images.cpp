#include "data/pack/packed_images.h"

#include <atomic>
#include <cstring>
#include <vector>

#include "data/decode/cut.h"
#include "data/files.h"
#include "data/pack/pack_index.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/hash.h"
#include "engine/files/mapped_file.h"
#include "engine/files/xxh64.h"

namespace data {

namespace fs = std::filesystem;
using engine::MappedFile;
using engine::MappedPart;
using engine::require_data;

namespace {

// Of a larger pack the pages of an image are given back after it was read, so that what the process seems to
// use stays below this. To find them again in the page cache takes some microseconds.
constexpr std::uint64_t most_mapped = 1 << 30;

// An index and where its bytes come from.
struct OpenIndex {
  explicit OpenIndex(const fs::path& path)
      : file(path.string(), "the index of a packed data set"), index(file.text(), printable(path)) {}

  MappedFile file;
  PackIndex index;
};

class PackedImages final : public Dataset {
 public:
  PackedImages(const fs::path& folder, Split split)
      : folder_(folder), index_file_(folder / pack_index_name), split_(index_file_.index.split(split)) {
    require_data((split_.flags & 1) != 0, printable(folder),
                 " is a packed data set without this split, expected ",
                 split == Split::train || split == Split::pretrain ? "a training split"
                                                                   : "one for evaluation (test/ or val/)");
    for (std::size_t s = 0; s < index().shards().size(); ++s) open_shard(s);
    std::uint64_t bytes = 0;
    for (const auto& shard : shards_) bytes += shard->size();
    releases_ = bytes > most_mapped;
    for (std::size_t i = 0; i < index().images().size(); ++i)
      if (index().images()[i].splits >> unsigned(split) & 1) rows_.push_back(std::uint32_t(i));
    require_data(!rows_.empty(), printable(folder), ": no images in this split, expected at least 1");
    if ((split_.flags & 2) != 0)
      for (const PackText& name : index().classes()) classes_.push_back(engine::shown(index().text(name)));
    for (const std::uint32_t row : rows_) {
      const PackImage& image = index().images()[row];
      if (image.label >= 0 && classes_.empty())
        require_data(false, printable(folder_ / pack_index_name), ": image ", with_commas(row), " has label ",
                     image.label, ", expected none in a split without classes");
      const bool is_pixels = image.height > 0;
      pixel_bytes_ = is_pixels && pixel_bytes_ >= 0 ? pixel_bytes_ + std::int64_t(image.bytes) : -1;
    }
    checked_ = std::vector<std::atomic<bool>>(rows_.size());
  }

  Kind kind() const override { return Kind(index().header().kind); }
  std::size_t size() const override { return rows_.size(); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return image(inside(i)).label; }
  std::string title() const override { return engine::shown(index().text(split_.title)); }
  std::string unlabelled() const override { return engine::shown(index().text(split_.unlabelled)); }
  std::int64_t pixel_bytes() const override { return pixel_bytes_; }
  std::string remark() const override { return "packed in " + counted(double(shards_.size()), "shard"); }
  std::string name(std::size_t i) const override {
    const PackImage& p = image(i);
    return engine::shown(printable(folder_) + "/" + std::string(index().text(p.name, p.name_bytes)));
  }
  std::string entry(std::size_t i) const override {
    const PackImage& p = image(i);
    return engine::shown(index().text(p.entry, p.entry_bytes));
  }
  std::string file(std::size_t i) const override { return shards_[image(i).shard]->path(); }

  std::vector<std::uint8_t> file_bytes(std::size_t i) const override {
    const PackImage& p = image(i);
    if (p.height > 0) return {};
    const MappedPart bytes = checked_bytes(i);
    return {bytes.data(), bytes.data() + bytes.size()};
  }

  void read(std::size_t i, Image& into) const override { read_part(i, {}, into); }

  void read_part(std::size_t i, const ChoosePart& needed, Image& into) const override {
    const PackImage& p = image(i);
    const MappedPart bytes = checked_bytes(i);
    if (p.height == 0) return decode_file(bytes.data(), bytes.size(), name(i), into, needed);
    const int height = int(p.height), width = int(p.width);
    const Box box = needed ? checked_part(needed, height, width).box : Box{0, 0, height, width};
    into.format = "pixels";
    into.orientation = 1;
    into.sixteen_bit = false;
    into.source.reset();
    if (needed) into.source = Source{height, width, box.top, box.left};
    into.height = box.height, into.width = box.width;
    const std::size_t row = std::size_t(box.width) * 3;
    into.pixels.resize(std::size_t(box.height) * row);
    for (int y = 0; y < box.height; ++y)
      std::memcpy(into.pixels.data() + std::size_t(y) * row,
                  bytes.data() + (std::size_t(box.top + y) * std::size_t(width) + std::size_t(box.left)) * 3,
                  row);
  }

 private:
  const PackIndex& index() const { return index_file_.index; }
  const PackImage& image(std::size_t i) const { return index().images()[rows_.at(i)]; }

  void open_shard(std::size_t s) {
    const fs::path path = folder_ / pack_shard_name(s);
    shards_.push_back(std::make_unique<MappedFile>(path.string(), "a shard of a packed data set"));
    require_data(shards_.back()->size() == index().shards()[s], printable(path), ": has ",
                 with_commas(shards_.back()->size()), " bytes, expected ", with_commas(index().shards()[s]),
                 ", as ", pack_index_name, " says");
  }

  // The bytes of an image, whose hash is right.
  MappedPart checked_bytes(std::size_t i) const {
    const PackImage& p = image(i);
    if (checked_[i].load(std::memory_order_relaxed)) return {*shards_[p.shard], p.begin, p.bytes, releases_};
    const MappedPart bytes(*shards_[p.shard], p.begin, p.bytes, false);
    const std::uint64_t hash = engine::xxh64(bytes.data(), bytes.size());
    require_data(hash == p.hash, name(i), ": bytes ", with_commas(p.begin), " to ",
                 with_commas(p.begin + p.bytes), " of ", pack_shard_name(p.shard), " have the hash ",
                 engine::hash_text(hash), ", expected ", engine::hash_text(p.hash), ": the shard is damaged");
    checked_[i].store(true, std::memory_order_relaxed);
    return {*shards_[p.shard], p.begin, p.bytes, releases_};
  }

  fs::path folder_;
  OpenIndex index_file_;
  const PackSplit& split_;
  std::vector<std::unique_ptr<MappedFile>> shards_;
  std::vector<std::uint32_t> rows_;  // the images of the split
  std::vector<std::string> classes_;
  std::int64_t pixel_bytes_ = 0;
  bool releases_ = false;
  mutable std::vector<std::atomic<bool>> checked_;
};

}  // namespace

bool is_pack(const fs::path& folder) { return fs::exists(folder / pack_index_name); }

std::unique_ptr<Dataset> open_pack(const fs::path& folder, Split split) {
  return std::make_unique<PackedImages>(folder, split);
}

bool has_pack_split(const fs::path& folder, Split split) {
  const OpenIndex opened(folder / pack_index_name);
  return (opened.index.split(split).flags & 1) != 0;
}

}  // namespace data
