#include "data/pack/pack_writer.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "data/decode/decode.h"
#include "data/files.h"
#include "data/for_each_image.h"
#include "data/pack/encode_jpeg.h"
#include "data/pack/pack_index.h"
#include "data/pack/resize.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/xxh64.h"

namespace data {

namespace {

// An image of the data set, and the splits that have it.
struct Member {
  const Dataset* set;
  std::size_t index;
  int label;
  std::uint32_t splits = 0;
};

// The images of all splits, each once, and what the index says of the splits.
class Members {
 public:
  Members(const std::string& data, const std::string& labels, const DecodeOptions& decode) : data_(data) {
    // the first three have all images between them
    for (const Split s : {Split::pretrain, Split::only_val, Split::only_test, Split::train, Split::test}) {
      if (!has_split(data, s)) continue;
      sets_[s] = open_dataset(data, s, labels);
      sets_[s]->decode_as(decode);
      add(s, *sets_[s]);
    }
    engine::require_data(!all_.empty(), printable(data), ": no images, expected at least 1");
  }

  const std::vector<Member>& all() const { return all_; }
  const std::vector<std::string>& classes() const { return classes_; }
  Dataset::Kind kind() const { return sets_.begin()->second->kind(); }
  std::string name(const Member& m) const {
    std::string name = name_below(m.set->name(m.index), printable(data_));
    return name.substr(std::min(name.size(), name.find_first_not_of('/')));
  }
  std::vector<PackSplit> splits(PackIndexBuilder& index) const {
    std::vector<PackSplit> splits(pack_splits);
    for (const auto& [s, set] : sets_)
      splits[std::size_t(s)] = {index.add_text(set->title()), index.add_text(set->unlabelled()),
                                set->classes().empty() ? 1U : 3U};
    return splits;
  }

 private:
  void add(Split s, const Dataset& set) {
    if (classes_.empty()) classes_ = set.classes();
    engine::require_data(set.classes().empty() || set.classes() == classes_, printable(data_),
                         ": its splits have different classes, expected the same: pack each one by itself");
    std::size_t next = 0;  // the least place that the next image may have
    for (std::size_t i = 0; i < set.size(); ++i) {
      const auto [found, is_new] = places_.emplace(set.name(i), all_.size());
      if (is_new) all_.push_back({&set, i, set.label(i)});
      const std::size_t place = found->second;
      engine::require_data(
          place >= next, set.name(i),
          ": is there twice, or in another order in another split, expected each image once");
      next = place + 1;
      Member& m = all_[place];
      if (m.label < 0) m.label = set.label(i);
      m.splits |= 1U << unsigned(s);
    }
  }

  std::string data_;
  std::map<Split, std::unique_ptr<Dataset>> sets_;
  std::vector<Member> all_;
  std::unordered_map<std::string, std::size_t> places_;  // of each name in all_
  std::vector<std::string> classes_;
};

// The bytes to store of an image.
struct Stored {
  std::vector<std::uint8_t> bytes;
  std::uint32_t height = 0, width = 0;  // of pixels
  std::string wrong;                    // why it can't be decoded
};

Stored stored(const Member& m, const PackOptions& o) {
  using Encode = PackOptions::Encode;
  Stored s;
  try {
    Image image;
    if (o.encode == Encode::keep) s.bytes = m.set->file_bytes(m.index);
    if (!s.bytes.empty()) {  // decoded to see that it can be
      decode_image(s.bytes.data(), s.bytes.size(), m.set->name(m.index), image, o.decode);
      return s;
    }
    m.set->read(m.index, image);
    if (o.shorter_side > 0) shrink_to_shorter_side(image, o.shorter_side);
    if (o.encode == Encode::jpeg) {
      s.bytes = encode_jpeg_file(image, o.quality);
    } else {
      s.bytes = std::move(image.pixels);
      s.height = std::uint32_t(image.height), s.width = std::uint32_t(image.width);
    }
  } catch (const engine::DataError& error) {
    s.wrong = error.what();
  }
  return s;
}

// The images first .. first + count, made by several threads.
std::vector<Stored> stored_images(const std::vector<Member>& all, std::size_t first, std::size_t count,
                                  const PackOptions& o) {
  std::vector<Stored> made(count);
  for_each_image(count, o.threads, [&](std::size_t i, int) { made[i] = stored(all[first + i], o); });
  return made;
}

// Shard after shard.
class ShardWriter {
 public:
  ShardWriter(std::string folder, std::uint64_t most) : folder_(std::move(folder)), most_(most) {}

  // Sets the image's place and hash.
  void write(const std::vector<std::uint8_t>& bytes, PackImage& image) {
    if (!file_) {
      file_.emplace(folder_ + "/" + pack_shard_name(sizes_.size()));
      sizes_.push_back(0);
    }
    image.shard = std::uint32_t(sizes_.size() - 1);
    image.begin = sizes_.back();
    image.bytes = bytes.size();
    image.hash = engine::xxh64(bytes.data(), bytes.size());
    file_->write(bytes.data(), bytes.size());
    sizes_.back() += bytes.size();
    if (sizes_.back() >= most_) finish();
  }
  void finish() {
    if (file_) file_->commit();
    file_.reset();
  }
  const std::vector<std::uint64_t>& sizes() const { return sizes_; }

 private:
  std::string folder_;
  std::uint64_t most_;
  std::optional<engine::AtomicFile> file_;
  std::vector<std::uint64_t> sizes_;
};

}  // namespace

PackResult write_pack(const std::string& data, const std::string& labels, const std::string& folder,
                      const PackOptions& o, const std::function<void(std::size_t)>& progress) {
  engine::require(o.threads >= 1 && o.shorter_side >= 0, "write_pack: ", o.threads,
                  " threads and a shorter side of ", o.shorter_side, ", expected at least 1 and 0");
  engine::require(o.encode != PackOptions::Encode::keep || o.shorter_side == 0,
                  "write_pack: files that are kept can't be resized");
  const Members members(data, labels, o.decode);
  PackResult result;
  PackIndexBuilder index;
  ShardWriter shards(folder, o.shard_bytes);
  const std::size_t at_once = std::size_t(o.threads) * 32;
  for (std::size_t first = 0; first < members.all().size(); first += at_once) {
    const std::size_t count = std::min(at_once, members.all().size() - first);
    std::vector<Stored> made = stored_images(members.all(), first, count, o);
    for (std::size_t i = 0; i < count; ++i) {
      const Member& m = members.all()[first + i];
      if (!made[i].wrong.empty()) {
        if (o.bad_images == BadImages::stop) throw BadImage(made[i].wrong);
        result.skipped.push_back(std::move(made[i].wrong));
        continue;
      }
      PackImage image{};
      image.label = m.label;
      image.height = made[i].height, image.width = made[i].width;
      image.splits = m.splits;
      shards.write(made[i].bytes, image);
      index.add_image(image, members.name(m), m.set->entry(m.index));
      ++result.images;
    }
    if (progress) progress(first + count);
  }
  engine::require_data(result.images > 0, printable(data), ": none of its ",
                       counted(double(members.all().size()), "image"),
                       " can be decoded, expected at least 1");
  shards.finish();
  const std::vector<PackSplit> splits = members.splits(index);
  const std::string bytes = index.bytes(members.kind(), shards.sizes(), splits, members.classes());
  engine::write_file_atomically(folder + "/" + pack_index_name, bytes);
  result.shards = shards.sizes().size();
  result.bytes = bytes.size();
  for (const std::uint64_t size : shards.sizes()) result.bytes += size;
  return result;
}

}  // namespace data
