#include "data/formats/tar_images.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "data/files.h"
#include "data/formats/tar.h"
#include "data/formats/walk.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/mapped_file.h"

namespace data {

namespace fs = std::filesystem;
using engine::MappedFile;
using engine::require_data;

namespace {

constexpr std::uint64_t most_image_bytes = 1 << 28;

// PREFIX{000..146}SUFFIX.
struct ShardPattern {
  std::string prefix, suffix;
  std::size_t digits;
  std::uint64_t first, last;
};

std::optional<ShardPattern> shard_pattern(const std::string& data) {
  const std::size_t open = data.find('{'), dots = data.find("..", open == data.npos ? 0 : open),
                    close = data.find('}', dots == data.npos ? 0 : dots);
  if (open == data.npos || dots == data.npos || close == data.npos) return {};
  ShardPattern p{data.substr(0, open), data.substr(close + 1), dots - open - 1, 0, 0};
  const auto read = [&](std::size_t from, std::size_t to, std::uint64_t& value) {
    const auto end = std::from_chars(data.data() + from, data.data() + to, value);
    return end.ec == std::errc() && end.ptr == data.data() + to;
  };
  if (!read(open + 1, dots, p.first) || !read(dots + 2, close, p.last)) return {};
  require_data(p.first <= p.last && p.last - p.first < 1'000'000, printable(data), ": has the shards ",
               p.first, " to ", p.last, ", expected an ascending range of at most 1,000,000");
  return p;
}

std::vector<std::string> shards_of(const ShardPattern& p) {
  std::vector<std::string> files;
  for (std::uint64_t i = p.first; i <= p.last; ++i) {
    std::string number = std::to_string(i);
    if (number.size() < p.digits) number.insert(0, p.digits - number.size(), '0');
    files.push_back(p.prefix + number + p.suffix);
  }
  return files;
}

bool is_tar_name(const fs::path& file) { return lower_case(file.extension().string()) == ".tar"; }

// The .tar files of a folder in byte order; none if it has folders or images as well.
std::vector<std::string> shards_in(const fs::path& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with('.')) continue;
    if (entry.is_directory() || has_image_ending(entry.path())) return {};
    if (is_tar_name(entry.path())) files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

const char* word_of(Split split) {
  return split == Split::only_val                            ? "val"
         : split == Split::train || split == Split::pretrain ? "train"
                                                             : "test";
}

std::vector<std::string> named(const std::vector<std::string>& files, const std::string& word) {
  std::vector<std::string> found;
  for (const std::string& file : files)
    if (lower_case(fs::path(file).filename().string()).find(word) != std::string::npos) found.push_back(file);
  return found;
}

// The shards of a split; none if there are none.
std::vector<std::string> split_shards(const std::string& data, Split split) {
  const bool training = split == Split::train || split == Split::pretrain;
  if (const auto pattern = shard_pattern(data))
    return training ? shards_of(*pattern) : std::vector<std::string>();
  if (!fs::is_directory(data)) return training ? std::vector{data} : std::vector<std::string>();
  const std::vector<std::string> all = shards_in(data);
  const auto train = named(all, "train"), val = named(all, "val"), test = named(all, "test");
  if (train.empty()) {
    require_data(val.empty() && test.empty(), printable(data),
                 " has shards of val or test, expected some with \"train\"");
    return training ? all : std::vector<std::string>();
  }
  if (split == Split::test) return test.empty() ? val : test;
  return named(all, word_of(split));
}

struct TarMember {
  std::uint32_t shard;
  int label;
  std::uint64_t begin, bytes;
  std::string name;  // in the archive, without "./"
};

// The part of a name before the first dot behind its last slash: WebDataset's key.
std::string_view key_of(std::string_view name) {
  const std::size_t slash = name.rfind('/'), from = slash == name.npos ? 0 : slash + 1;
  return name.substr(0, name.find('.', from));
}

// The images of the shards, in order.
class TarIndex {
 public:
  explicit TarIndex(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      shards_.push_back(std::make_unique<MappedFile>(file, "a tar archive"));
      add(std::uint32_t(shards_.size() - 1));
    }
    require_data(!members_.empty(), printable(files.front()), ": ", counted(double(files.size()), "archive"),
                 " without images, expected ", expected_endings());
  }

  // The classes by the images' folders, in byte order. Empty if some lie in none.
  std::vector<std::string> folders() const {
    std::vector<std::string> names;
    for (const TarMember& m : members_) {
      const std::string folder = folder_of(m);
      if (folder.empty()) return {};
      if (names.empty() || names.back() != folder) names.push_back(folder);
    }
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }
  bool numbered() const { return numbered_; }  // some image has a .cls
  int most_label() const {
    int most = -1;
    for (const TarMember& m : members_) most = std::max(most, m.label);
    return most;
  }
  void label_by(const std::vector<std::string>& folders) {
    for (TarMember& m : members_) {
      const auto at = std::ranges::lower_bound(folders, folder_of(m));
      m.label = at != folders.end() && *at == folder_of(m) ? int(at - folders.begin()) : -1;
    }
  }

  const std::vector<TarMember>& members() const { return members_; }
  const MappedFile& shard(const TarMember& m) const { return *shards_[m.shard]; }
  std::size_t shards() const { return shards_.size(); }

 private:
  void add(std::uint32_t shard) {
    const MappedFile& file = *shards_[shard];
    const std::string shown = printable(file.path());
    std::map<std::string, int, std::less<>> labels;  // by key
    const std::size_t first = members_.size();
    for (TarEntry& e : tar_entries(file.text(), shown)) {
      if (e.name.starts_with("./")) e.name.erase(0, 2);
      const std::size_t slash = e.name.rfind('/');
      if (e.name.substr(slash == e.name.npos ? 0 : slash + 1).starts_with('.')) continue;
      if (e.name.ends_with(".cls")) {
        const std::string_view text = file.text().substr(std::size_t(e.begin), std::size_t(e.bytes));
        int label = -1;
        const auto end = std::from_chars(text.data(), text.data() + text.size(), label);
        const auto rest = std::string_view(end.ptr, std::size_t(text.data() + text.size() - end.ptr));
        require_data(end.ec == std::errc() && label >= 0 && label < 1 << 24 &&
                         rest.find_first_not_of(" \r\n") == rest.npos,
                     shown, ": ", engine::shown(e.name), " (byte ", with_commas(e.begin), ") is ",
                     engine::shown(text.substr(0, 20)), ", expected the number of a class");
        labels.emplace(key_of(e.name), label);
      } else if (has_image_ending(e.name)) {
        require_data(e.bytes <= most_image_bytes, shown, ": ", engine::shown(e.name), " has ",
                     with_commas(e.bytes), " bytes, expected at most ", with_commas(most_image_bytes));
        members_.push_back({shard, -1, e.begin, e.bytes, std::move(e.name)});
      }
    }
    for (std::size_t i = first; i < members_.size(); ++i)
      if (const auto found = labels.find(key_of(members_[i].name)); found != labels.end())
        members_[i].label = found->second, numbered_ = true;
    for (std::size_t i = first; i < members_.size(); ++i) shorten_shared(members_[i].name);
  }

  // The folder that all images share, with its slash.
  void shorten_shared(const std::string& name) {
    const std::string folder = name.substr(0, name.rfind('/') == name.npos ? 0 : name.rfind('/') + 1);
    if (!shared_) shared_ = folder;
    while (!folder.starts_with(*shared_)) {
      const std::size_t slash =
          shared_->size() < 2 ? std::string::npos : shared_->rfind('/', shared_->size() - 2);
      shared_->resize(slash == std::string::npos ? 0 : slash + 1);
    }
  }
  std::string folder_of(const TarMember& m) const {
    const std::size_t from = shared_->size(), slash = m.name.find('/', from);
    return slash == std::string::npos ? "" : m.name.substr(from, slash - from);
  }

  std::vector<std::unique_ptr<MappedFile>> shards_;
  std::vector<TarMember> members_;
  std::optional<std::string> shared_;
  bool numbered_ = false;
};

class TarImages final : public Dataset {
 public:
  TarImages(const std::string& data, Split split) : data_(data), index_(split_shards(data, split)) {
    const bool training = split == Split::train || split == Split::pretrain;
    std::optional<TarIndex> trained;  // an evaluated split has the classes of the training split
    if (!training) trained.emplace(split_shards(data, Split::train));
    const TarIndex& of_classes = trained ? *trained : index_;
    if (of_classes.numbered()) {
      for (int c = 0; c <= of_classes.most_label(); ++c) classes_.push_back(std::to_string(c));
    } else {
      const std::vector<std::string> folders = of_classes.folders();
      require_no_split_names(folders);
      index_.label_by(folders);
      for (const std::string& name : folders) classes_.push_back(printable(name));
    }
    for (const TarMember& m : index_.members()) {
      if (m.label >= int(classes_.size()))
        require_data(false, name_of(m), " has the class ", m.label,
                     ", expected those of the training split: less than ", classes_.size());
      if (m.label < 0 && unlabelled_.empty())
        unlabelled_ = name_of(m) + " has no class, expected KEY.cls beside KEY.jpg, or CLASS/FILE";
    }
  }

  Kind kind() const override { return Kind::image_folder; }
  std::size_t size() const override { return index_.members().size(); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return member(i).label; }
  std::string title() const override { return "tar files"; }
  std::string unlabelled() const override { return unlabelled_; }
  std::string remark() const override { return "in " + counted(double(index_.shards()), "archive"); }
  std::string name(std::size_t i) const override { return name_of(member(i)); }
  std::string entry(std::size_t i) const override {
    const TarMember& m = member(i);
    return printable(fs::path(index_.shard(m).path()).filename()) + "/" + printable(m.name);
  }
  std::string file(std::size_t i) const override { return index_.shard(member(i)).path(); }
  std::vector<std::uint8_t> file_bytes(std::size_t i) const override {
    const engine::MappedPart file = content(i);
    return {file.data(), file.data() + file.size()};
  }
  void read(std::size_t i, Image& into) const override { read_part(i, {}, into); }
  void read_part(std::size_t i, const ChoosePart& needed, Image& into) const override {
    const engine::MappedPart file = content(i);
    decode_file(file.data(), file.size(), name(i), into, needed);
  }

 private:
  const TarMember& member(std::size_t i) const { return index_.members().at(i); }
  engine::MappedPart content(std::size_t i) const {
    const TarMember& m = member(i);
    return {index_.shard(m), m.begin, m.bytes};
  }
  std::string name_of(const TarMember& m) const {
    return printable(index_.shard(m).path()) + "/" + printable(m.name);
  }
  void require_no_split_names(const std::vector<std::string>& folders) const {
    for (const char* split : {"train", "val", "test"})
      require_data(folders.size() > 4 || !std::ranges::binary_search(folders, split), printable(data_),
                   " has a folder ", split,
                   "/ in its archives, expected one archive for each split, or class folders");
  }

  std::string data_, unlabelled_;
  TarIndex index_;
  std::vector<std::string> classes_;
};

}  // namespace

bool is_tars(const std::string& data) {
  std::error_code none;
  if (const auto pattern = shard_pattern(data)) return pattern->suffix.ends_with(".tar");
  if (fs::is_directory(data, none)) return !shards_in(data).empty();
  return is_tar_name(data) && fs::is_regular_file(data, none);
}

std::string first_tar(const std::string& data) {
  const auto pattern = shard_pattern(data);
  return pattern ? shards_of(*pattern).front() : data;
}

bool has_tar_split(const std::string& data, Split split) { return !split_shards(data, split).empty(); }

std::unique_ptr<Dataset> open_tars(const std::string& data, Split split) {
  require_data(has_tar_split(data, split), printable(data),
               " has tar files for training only, expected some with \"",
               split == Split::only_val ? "val" : "test", "\" in their names");
  return std::make_unique<TarImages>(data, split);
}

}  // namespace data
