#include "data/subset.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <unordered_map>

#include "data/files.h"
#include "data/formats/text_lines.h"
#include "engine/error.h"
#include "engine/files/file_kind.h"
#include "engine/files/text_file.h"
#include "engine/random.h"

namespace data {
namespace {

constexpr std::size_t kAmbiguous = std::size_t(-1);

// "CLASS/FILE" and "FILE" of each image.
std::map<std::string, std::size_t> by_name(const Dataset& dataset) {
  std::map<std::string, std::size_t> found;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const std::string entry = list_entry(dataset, i), file = entry.substr(entry.rfind('/') + 1);
    for (const std::string& name : {entry, file})
      if (const auto [at, added] = found.emplace(name, i); !added && at->second != i) at->second = kAmbiguous;
  }
  return found;
}

}  // namespace

Subset::Subset(const Dataset& whole, std::vector<std::size_t> indices)
    : Subset(std::shared_ptr<const Dataset>(std::shared_ptr<void>(), &whole), std::move(indices), "") {}

Subset::Subset(std::shared_ptr<const Dataset> whole, std::vector<std::size_t> indices, std::string note,
               std::string held_out)
    : whole_(std::move(whole)),
      indices_(std::move(indices)),
      note_(std::move(note)),
      held_out_(std::move(held_out)) {
  for (const std::size_t i : indices_)
    engine::require(i < whole_->size(), "Subset: image ", i, ", expected less than ", whole_->size());
}

std::string Subset::remark() const {
  const std::string others = note_.empty() ? "" : whole_->remark();
  return note_ + (others.empty() ? "" : "; ") + others;
}

std::vector<std::size_t> draw_test_split(const Dataset& dataset, double share, std::uint64_t seed) {
  engine::require_data(
      dataset.kind() == Dataset::Kind::image_folder || dataset.kind() == Dataset::Kind::other,
      "--split-from: CIFAR and STL-10 have a test split, expected CLASS/FILE");
  const bool classes = !dataset.classes().empty();
  std::vector<std::vector<std::size_t>> of_class(classes ? dataset.classes().size() : 1);
  for (std::size_t i = 0; i < dataset.size(); ++i)
    if (const int label = classes ? dataset.label(i) : 0; label >= 0)
      of_class.at(std::size_t(label)).push_back(i);
  engine::Random random(seed, 0x73706c69);
  std::vector<std::size_t> drawn;
  for (auto& images : of_class) {
    if (images.size() < 2) continue;
    const auto count = std::clamp<std::size_t>(std::size_t(std::llround(share * double(images.size()))), 1,
                                               images.size() - 1);
    engine::sample_to_front(images, count, random);
    drawn.insert(drawn.end(), images.begin(), images.begin() + std::ptrdiff_t(count));
  }
  engine::require_data(!drawn.empty(),
                       "--split-from: there is nothing to draw from, expected two or more images in a class");
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::string entries_text(const Dataset& dataset) {
  std::string text;
  for (std::size_t i = 0; i < dataset.size(); ++i) text += dataset.entry(i) + "\n";
  return text;
}

std::unique_ptr<Dataset> without(const std::shared_ptr<const Dataset>& whole,
                                 const std::vector<std::size_t>& indices) {
  std::vector<bool> out(whole->size());
  for (const std::size_t i : indices) out.at(i) = true;
  std::vector<std::size_t> rest;
  for (std::size_t i = 0; i < whole->size(); ++i)
    if (!out[i]) rest.push_back(i);
  const std::string names = entries_text(Subset(*whole, indices));
  return std::make_unique<Subset>(
      whole, std::move(rest),
      "without " + counted(double(indices.size()), "image") + " of the test split drawn by --split-from",
      names);
}

FoundImages find_images(const Dataset& dataset, const std::string& path) {
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < dataset.size(); ++i) index.emplace(dataset.entry(i), i);
  FoundImages result;
  for (const auto& [number, name] : text_lines(path, "a list of images")) {
    // an entry, or a name as it is in the folder
    auto found = index.find(name);
    if (found == index.end()) found = index.find(printable(name));
    if (found != index.end())
      result.indices.push_back(found->second);
    else if (result.missing.empty())
      result.missing =
          printable(path) + " line " + std::to_string(number) + ": there is no image " + printable(name);
  }
  std::sort(result.indices.begin(), result.indices.end());
  return result;
}

std::vector<std::size_t> draw_share(const Dataset& dataset, double share, std::uint64_t seed) {
  engine::require(share > 0 && share <= 1, "draw_share: ", share, ", expected above 0 and at most 1");
  std::vector<std::vector<std::size_t>> of_class(dataset.classes().size());
  for (std::size_t i = 0; i < dataset.size(); ++i) of_class.at(std::size_t(dataset.label(i))).push_back(i);
  engine::Random random(seed, 0x73686172);
  std::vector<std::size_t> drawn;
  for (auto& images : of_class) {
    if (images.empty()) continue;
    const auto count = std::max<std::size_t>(1, std::size_t(std::llround(share * double(images.size()))));
    engine::sample_to_front(images, count, random);
    drawn.insert(drawn.end(), images.begin(), images.begin() + std::ptrdiff_t(count));
  }
  std::sort(drawn.begin(), drawn.end());
  return drawn;
}

std::string list_entry(const Dataset& dataset, std::size_t i) {
  if (dataset.kind() != Dataset::Kind::image_folder) return dataset.entry(i);
  const std::string name = dataset.name(i);
  const std::size_t file = name.rfind('/');
  return name.substr(file == std::string::npos || file == 0 ? 0 : name.rfind('/', file - 1) + 1);
}

std::vector<std::size_t> read_list(const Dataset& dataset, const std::string& path) {
  const engine::FileText text = engine::read_text(path);
  engine::require_data(text.read(), path, ": can't be read: ", text.error, ", expected a list of images");
  std::istringstream file(text.bytes);
  const std::string kind = engine::file_kind_of(path);
  engine::require_data(kind.empty(), path, ": is ", kind, ", expected a list of images");
  const bool numbers = dataset.kind() != Dataset::Kind::image_folder;
  const std::map<std::string, std::size_t> names =
      numbers ? std::map<std::string, std::size_t>() : by_name(dataset);
  std::vector<std::size_t> listed;
  std::set<std::size_t> seen;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    std::size_t index = 0;
    if (numbers) {
      const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), index);
      engine::require_data(
          error == std::errc() && stop == line.data() + line.size() && index < dataset.size(), path, " line ",
          number, " is \"", line, "\", expected the number of an image, less than ", dataset.size());
    } else {
      auto found = names.find(line);
      if (found == names.end()) found = names.find(printable(line));
      engine::require_data(found != names.end(), path, " line ", number, ": there is no image \"", line,
                           "\", expected CLASS/FILE or FILE");
      index = found->second;
      engine::require_data(index != kAmbiguous, path, " line ", number, ": several images are named \"", line,
                           "\", expected CLASS/FILE");
    }
    engine::require_data(seen.insert(index).second, path, " line ", number, ": \"", line,
                         "\" is listed twice");
    listed.push_back(index);
  }
  engine::require_data(!listed.empty(), path, ": lists no images");
  return listed;
}

}  // namespace data
