// dyad data check: decodes every image and lists the broken ones.
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/cli/commands.h"
#include "apps/options/shared.h"
#include "apps/run/run_directory.h"
#include "data/check.h"
#include "data/files.h"
#include "engine/error.h"

namespace apps {
namespace {

using data::with_commas;
using nlohmann::ordered_json;

std::string extent_text(const data::Extent& e) {
  return engine::concat_text(with_commas(std::uint64_t(e.width)), " x ",
                             with_commas(std::uint64_t(e.height)));
}

// "56 x 75 to 4,368 x 2,912", or "96 x 96" if all images have the same size.
std::string extents_text(const data::Extent& smallest, const data::Extent& largest) {
  const std::string least = extent_text(smallest), most = extent_text(largest);
  return least == most ? least : least + " to " + most;
}

// "9,469 images: 9,460 JPEG, 9 PNG; 56 x 75 to 4,368 x 2,912 pixels": width x height
std::string summary(const data::CheckResult& r) {
  std::string text;
  for (const auto& [format, count] : r.formats)
    text += (text.empty() ? ": " : ", ") + with_commas(count) + " " + format;
  if (!r.formats.empty()) text += "; " + extents_text(r.smallest, r.largest) + " pixels";
  if (r.turned > 0)
    text +=
        "; " + with_commas(r.turned) +
        " with an EXIF orientation, which is not applied (nor by torchvision's loader) without --exif apply";
  return data::counted(double(r.images), "image") + text;
}

// "120 images of 16 bits use 0 to 4,095 of 65,535: ..."
std::string sixteen_bit_text(const data::CheckResult& r) {
  const std::string range = std::to_string(r.least) + ":" + std::to_string(r.greatest);
  std::string text = data::counted(double(r.sixteen_bit), "image") +
                     " of 16 bits: " + with_commas(std::uint64_t(r.least)) + " to " +
                     with_commas(std::uint64_t(r.greatest)) + " of 65,535 are used";
  // the high byte alone would leave at most half of the 256 levels
  if (r.least < r.greatest && r.greatest - r.least < 32768)
    text += "; --sixteen-bit " + range + " or stretch uses all 256 levels";
  return text;
}

constexpr std::size_t kShown = 10;  // groups or pairs, in the text and in the JSON file

void tell_duplicates(const data::Dataset& dataset, const data::Duplicates& d) {
  if (d.groups == 0) return;
  std::printf("  duplicates: %s %s an exact copy of another one, in %s %s\n",
              with_commas(d.superfluous).c_str(), d.superfluous == 1 ? "image is" : "images are",
              with_commas(d.groups).c_str(), d.groups == 1 ? "group" : "groups");
  for (const auto& group : d.shown) {
    std::string names;
    for (const std::size_t i : group) names += (names.empty() ? "" : " = ") + dataset.name(i);
    std::printf("    %s\n", names.c_str());
  }
}

ordered_json to_json(const data::Dataset& dataset, const data::Duplicates& d) {
  ordered_json groups = ordered_json::array();
  for (const auto& group : d.shown) {
    groups.push_back(ordered_json::array());
    for (const std::size_t i : group) groups.back().push_back(dataset.name(i));
  }
  return {{"images", d.superfluous}, {"number_of_groups", d.groups}, {"groups", groups}};
}

// What has been checked of one split.
struct Checked {
  std::unique_ptr<const data::Dataset> dataset;
  data::CheckResult result;
};

// Images of a split whose pixels the training split has, too.
ordered_json tell_overlap(const char* name, const Checked& split, const Checked& train) {
  const data::Overlap o = data::overlap(split.result, train.result, kShown);
  ordered_json pairs = ordered_json::array();
  if (o.images > 0)
    std::printf("  %s of %s %s images %s also in train (the same pixels)\n", with_commas(o.images).c_str(),
                with_commas(split.result.images).c_str(), name, o.images == 1 ? "is" : "are");
  for (const auto& [mine, theirs] : o.shown) {
    pairs.push_back({split.dataset->name(mine), train.dataset->name(theirs)});
    std::printf("    %s = %s\n", split.dataset->name(mine).c_str(), train.dataset->name(theirs).c_str());
  }
  return {{"images", o.images}, {"pairs", pairs}};
}

ordered_json to_json(const data::CheckResult& r) {
  ordered_json json = {{"images", r.images},
                       {"formats", r.formats},
                       {"smallest", {{"width", r.smallest.width}, {"height", r.smallest.height}}},
                       {"largest", {{"width", r.largest.width}, {"height", r.largest.height}}},
                       {"exif_orientation", r.turned},
                       {"broken", r.broken}};
  if (r.sixteen_bit > 0)
    json["sixteen_bit"] = {{"images", r.sixteen_bit}, {"least", r.least}, {"greatest", r.greatest}};
  return json;
}

// Decodes the images of a split, prints what was found, and returns it as JSON.
ordered_json tell_split(const char* name, const Checked& split, const Checked* train) {
  const data::CheckResult& r = split.result;
  std::printf("  %s\n", summary(r).c_str());
  if (r.sixteen_bit > 0) std::printf("  %s\n", sixteen_bit_text(r).c_str());
  for (const std::string& wrong : r.broken) std::printf("  broken: %s\n", wrong.c_str());
  const data::Duplicates d = data::duplicates(*split.dataset, r, kShown);
  tell_duplicates(*split.dataset, d);
  ordered_json json = to_json(r);
  json["duplicates"] = to_json(*split.dataset, d);
  if (train != nullptr) json["in_train"] = tell_overlap(name, split, *train);
  std::fflush(stdout);
  return json;
}

void tell_what_is_not_used(const data::Dataset& dataset) {
  for (const std::string& line : dataset.passed_over()) std::printf("  %s\n", line.c_str());
  if (const std::string why = dataset.unlabelled(); !why.empty())
    std::printf("  no labels for evaluation: %s\n", why.c_str());
}

// Every ten seconds.
void tell(std::size_t done, std::size_t images, std::chrono::steady_clock::time_point& told) {
  const auto now = std::chrono::steady_clock::now();
  if (now - told < std::chrono::seconds(10)) return;
  told = now;
  std::fprintf(stderr, "checked %s of %s\n", with_commas(done).c_str(), with_commas(images).c_str());
}

}  // namespace

int data_check(const DataCheckOptions& o) {
  const int threads = decoder_threads(o.threads);
  ordered_json result = ordered_json::object();
  std::size_t images = 0, broken = 0;
  std::optional<Checked> train;
  auto told = std::chrono::steady_clock::now();
  using data::Split;
  for (const auto& [split, name] :
       {std::pair{Split::pretrain, "train"}, {Split::only_val, "val"}, {Split::only_test, "test"}}) {
    if (!data::has_split(o.data, split)) continue;
    Checked now{data::open_dataset(o.data, split), {}};
    std::printf("%s: %s\n", name, data::describe(*now.dataset).c_str());
    tell_what_is_not_used(*now.dataset);
    now.result =
        data::check(*now.dataset, threads, [&](std::size_t done) { tell(done, now.dataset->size(), told); });
    result[name] = tell_split(name, now, train ? &*train : nullptr);
    images += now.result.images;
    broken += now.result.broken.size();
    if (split == Split::pretrain) train.emplace(std::move(now));
  }
  if (result.size() == 1 && train && train->dataset->unlabelled().empty())
    std::printf(
        "no test split: an evaluation needs one; --split-from 0.1 draws it when the pretraining begins\n");
  if (!o.json.empty()) write_json(o.json, result);
  engine::require_data(broken == 0, o.data, ": ", with_commas(broken), " of ",
                       data::counted(double(images), "image"), broken == 1 ? " is" : " are",
                       " broken, expected none");
  std::printf("%s, none broken\n", data::counted(double(images), "image").c_str());
  return 0;
}

}  // namespace apps
