#include "data/formats/walk.h"

#include <algorithm>

#include "data/decode/decode.h"
#include "data/files.h"
#include "data/formats/split_folders.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;

namespace {

// Images that dyad can't read, and other formats that hold images. Each is counted under its own ending.
const std::vector<std::string> told_endings = {".avif", ".heic", ".heif", ".jp2", ".jfif",    ".jxl",
                                               ".svg",  ".dcm",  ".npy",  ".h5",  ".parquet", ".tfrecord"};
const std::vector<std::string> archive_endings = {".zip", ".tar", ".gz", ".tgz", ".bz2",
                                                  ".xz",  ".zst", ".7z", ".rar"};

std::string ending_of(const fs::path& file) { return lower_case(file.extension().string()); }

bool is_archive(const fs::path& file) {
  return std::ranges::find(archive_endings, ending_of(file)) != archive_endings.end();
}

// Folders that systems and unpacking programs leave beside one's own; lost+found can't be read.
const std::vector<std::string> system_folders = {"__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN",
                                                 "System Volume Information"};

bool is_hidden(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.starts_with('.') || std::ranges::find(system_folders, name) != system_folders.end();
}

// Costs a call of the system for links only.
bool is_folder(const fs::directory_entry& entry) {
  std::error_code error;  // a link to nowhere is no folder
  return entry.is_directory(error);
}

// Whether `inner` is `outer` or lies below it.
bool lies_in(const fs::path& inner, const fs::path& outer) {
  const auto [a, b] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return a == outer.end();
}

}  // namespace

bool has_image_ending(const fs::path& file) {
  return std::ranges::find(image_endings(), ending_of(file)) != image_endings().end();
}

void Walk::pass(const std::string& reason, const fs::path& file) {
  passed_over_.add(reason, name_below(file.native(), root_.native()));
}

Walk::Entry Walk::judge(const fs::directory_entry& entry) {
  const fs::path& path = entry.path();
  if (is_hidden(path))
    pass("hidden", path);
  else if (is_folder(entry))
    return Entry::folder;
  else if (has_image_ending(path))
    return Entry::image;
  else {
    const std::string ending = ending_of(path);
    const bool told = std::ranges::find(told_endings, ending) != told_endings.end();
    pass(is_archive(path) ? "not unpacked" : told ? ending : "of other kinds", path);
  }
  return Entry::passed;
}

bool Walk::leads_above(const fs::path& folder, const fs::path& target) const {
  return lies_in(folder, target) ||
         std::ranges::any_of(holders_, [&](const fs::path& holder) { return lies_in(holder, target); });
}

bool Walk::may_follow(const fs::path& folder, const fs::path& link) {
  const fs::path target = fs::canonical(link);
  if (leads_above(fs::canonical(folder), target))
    pass("linking to a folder above", link);
  else if (!followed_.insert(target).second)
    pass("linking to a folder linked already", link);
  else
    return true;
  return false;
}

Walk::Level Walk::level(const fs::path& folder) {
  Level level;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const Entry kind = judge(entry);
    if (kind == Entry::image) level.images.push_back(entry.path().string());
    if (kind != Entry::folder) continue;
    if (entry.is_symlink() && leads_above(fs::canonical(folder), fs::canonical(entry.path())))
      pass("linking to a folder above", entry.path());
    else
      level.folders.push_back(entry.path().filename().string());
  }
  std::ranges::sort(level.folders);
  std::ranges::sort(level.images);
  return level;
}

void Walk::add_images(const fs::path& folder, std::vector<std::string>& files) {
  followed_.clear();
  const auto first = std::ptrdiff_t(files.size());
  descend(folder, files);
  std::sort(files.begin() + first, files.end());
}

void Walk::descend(const fs::path& folder, std::vector<std::string>& files) {
  std::vector<fs::directory_entry> below;  // so that few folders are open at a time
  for (const auto& entry : fs::directory_iterator(folder)) {
    const Entry kind = judge(entry);
    if (kind == Entry::image) files.push_back(entry.path().string());
    if (kind == Entry::folder) below.push_back(entry);
  }
  std::ranges::sort(below, {}, [](const fs::directory_entry& e) { return e.path().native(); });
  require_no_splits(folder, below);
  for (const fs::directory_entry& entry : below) {
    const bool link = entry.is_symlink();
    if (link && !may_follow(folder, entry.path())) continue;
    if (link) holders_.push_back(fs::canonical(folder));
    descend(entry.path(), files);
    if (link) holders_.pop_back();
  }
}

bool Walk::any_image(const fs::path& folder) {
  std::vector<fs::path> below;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_hidden(entry.path())) continue;
    if (is_folder(entry)) {
      if (!entry.is_symlink()) below.push_back(entry.path());
    } else if (has_image_ending(entry.path())) {
      return true;
    }
  }
  return std::ranges::any_of(below, any_image);
}

std::string expected_endings() {
  std::string text;
  const std::vector<std::string>& endings = image_endings();
  for (std::size_t i = 0; i < endings.size(); ++i)
    text += (i == 0 ? "" : i + 1 == endings.size() ? " or " : ", ") + endings[i];
  return text + " files";
}

}  // namespace data
