#include "data/formats/split_folders.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>

#include "data/files.h"
#include "data/formats/walk.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

enum class Named { none, train, val, test };

// The split that a name stands for. similar: of train2017, test_set and trainset too.
Named split_named(const std::string& name, bool similar = false) {
  static const std::pair<std::string_view, Named> names[] = {
      {"training", Named::train}, {"train", Named::train},  {"validation", Named::val}, {"valid", Named::val},
      {"val", Named::val},        {"testing", Named::test}, {"test", Named::test}};
  const std::string lower = lower_case(name);
  for (const auto& [word, split] : names) {
    if (!lower.starts_with(word)) continue;
    const std::string_view rest = std::string_view(lower).substr(word.size());
    if (rest.empty()) return split;
    if (similar && (rest == "set" || std::isalpha(static_cast<unsigned char>(rest[0])) == 0)) return split;
  }
  return Named::none;
}

using ByName = std::map<Named, std::vector<std::string>>;

ByName by_split(const std::vector<std::string>& folders, bool similar = false) {
  ByName found;
  for (const std::string& name : folders) found[split_named(name, similar)].push_back(name);
  return found;
}

bool has_train_and_test(const ByName& found) {
  return found.contains(Named::train) && (found.contains(Named::val) || found.contains(Named::test));
}

// "a/, b/ and c/", at most four names
std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == 3 && names.size() > 4) return text + " and " + std::to_string(names.size() - 3) + " more";
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + printable(names[i]) + "/";
  }
  return text;
}

std::vector<std::string> splits_among(const ByName& found) {
  std::vector<std::string> names;
  for (const auto& [split, some] : found)
    if (split != Named::none) names.insert(names.end(), some.begin(), some.end());
  return names;
}

void require_one_name(const fs::path& folder, const ByName& found, Named split, const char* what) {
  const auto names = found.find(split);
  require_data(names == found.end() || names->second.size() == 1, printable(folder), " has ",
               names == found.end() ? "" : listed(names->second), ", several names of the ", what,
               " split: merge or rename them, expected one");
}

// Names of the folders that hold images and are no split.
void require_alone(const fs::path& folder, const ByName& found) {
  const auto others = found.find(Named::none);
  if (others == found.end()) return;
  std::vector<std::string> with_images;
  for (const std::string& name : others->second)
    if (Walk::any_image(folder / name)) with_images.push_back(name);
  const std::string splits = listed(splits_among(found));
  require_data(with_images.empty(), printable(folder), " has ", splits, " beside other folders of images, ",
               listed(with_images), ": move these away, or rename ", splits, " if they are classes");
}

std::string first_of(const ByName& found, Named split) {
  const auto names = found.find(split);
  return names == found.end() ? "" : names->second.front();
}

}  // namespace

void require_no_splits(const fs::path& folder, const std::vector<fs::directory_entry>& entries) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries)
    if (const std::string name = entry.path().filename().string(); split_named(name) != Named::none)
      names.push_back(name);
  require_data(!has_train_and_test(by_split(names)), printable(folder), " has ", listed(names),
               ", expected splits directly below --data: use --data ", printable(folder),
               ", or move the training images of all folders below one train/");
}

SplitFolders find_split_folders(const fs::path& folder) {
  Walk walk(folder);
  const Walk::Level level = walk.level(folder);
  const ByName similar = by_split(level.folders, true), found = by_split(level.folders);
  const std::vector<std::string> splits = splits_among(found);
  if (splits.empty()) {
    require_data(!has_train_and_test(similar), printable(folder), " has ", listed(splits_among(similar)),
                 ", which look like splits: rename them to train/ and val/ or test/, or name one of them as "
                 "--data to use it alone");
    return {};
  }
  require_one_name(folder, found, Named::train, "training");
  require_one_name(folder, found, Named::val, "validation");
  require_one_name(folder, found, Named::test, "test");
  require_alone(folder, found);
  require_data(found.contains(Named::train), printable(folder), " has ", listed(splits),
               " but no train/: add it, rename ", splits.size() == 1 ? "it" : "them",
               " if this is the name of a class, or use --data ", printable(folder / splits.front()));
  for (const std::string& image : level.images) walk.pass("beside the splits", image);
  return {first_of(found, Named::train), first_of(found, Named::val), first_of(found, Named::test),
          walk.passed_over()};
}

}  // namespace data
