#include "apps/evaluation/evaluation_images.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "apps/run/run_directory.h"
#include "data/check.h"
#include "data/files.h"
#include "data/subset.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

using data::Split;
using engine::UsageError;

using Indices = std::vector<std::size_t>;

std::unique_ptr<data::Dataset> whole_training_split(const ImageChoice& c) {
  return data::open_dataset(c.data, Split::train, c.label_file);
}

// The images that the pretraining left out, if it left out some of this data set.
std::optional<Indices> kept_test_split(const data::Dataset& whole, const ImageChoice& c,
                                       const PretrainOptions& run) {
  if (run.split_from <= 0) return std::nullopt;
  const data::FoundImages kept = data::find_images(whole, test_split_path(c.run));
  if (kept.indices.empty()) return std::nullopt;  // another data set
  // those that a label file leaves out can't be tested
  engine::require_data(kept.missing.empty() || !c.label_file.empty(), kept.missing, " in ", c.data);
  if (c.split_from > 0 && c.split_from != run.split_from)
    throw UsageError(engine::concat_text("--split-from is ", c.split_from,
                                         ", but the run was pretrained with ", run.split_from,
                                         ", expected the same"));
  return kept.indices;
}

bool may_draw(const ImageChoice& c, const PretrainOptions& run) {
  return c.split_from > 0 || run.split_from > 0;
}

// The test images among those of the training split, if they are drawn from it.
std::optional<Indices> drawn_test_split(const data::Dataset& whole, const ImageChoice& c,
                                        const PretrainOptions& run) {
  if (c.split == "val" || c.split == "test") {
    if (c.split_from > 0) throw UsageError("--split-from draws a test split, expected no --split " + c.split);
    return std::nullopt;
  }
  if (!may_draw(c, run)) return std::nullopt;
  if (auto kept = kept_test_split(whole, c, run)) return kept;
  if (c.split_from <= 0) return std::nullopt;
  return data::draw_test_split(whole, c.split_from, run.seed);
}

// The test images that are drawn from the training split, or null.
std::unique_ptr<data::Dataset> drawn_images(const ImageChoice& c, const PretrainOptions& run) {
  auto whole = whole_training_split(c);
  auto test = drawn_test_split(*whole, c, run);
  if (!test) return nullptr;
  return std::make_unique<data::Subset>(std::move(whole), std::move(*test),
                                        "the test split drawn by --split-from");
}

Split named_split(const std::string& name) {
  return name == "val" ? Split::only_val : name == "test" ? Split::only_test : Split::test;
}

}  // namespace

std::unique_ptr<data::Dataset> training_images(const ImageChoice& c, const PretrainOptions& run) {
  auto whole = whole_training_split(c);
  const auto test = drawn_test_split(*whole, c, run);
  if (!test) return whole;
  return data::without(std::move(whole), *test);
}

std::unique_ptr<data::Dataset> test_images(const ImageChoice& c, const PretrainOptions& run) {
  if (may_draw(c, run))
    if (auto drawn = drawn_images(c, run)) return drawn;
  return data::open_dataset(c.data, named_split(c.split), c.label_file);
}

std::unique_ptr<data::Dataset> exported_images(const ImageChoice& c, const PretrainOptions& run) {
  if (c.split == "train") return training_images(c, run);
  if (c.split == "auto") {
    if (may_draw(c, run))
      if (auto drawn = drawn_images(c, run)) return drawn;
    if (!data::has_split(c.data, Split::test))
      return data::open_dataset(c.data, Split::pretrain, c.label_file);
  }
  return test_images(c, run);
}

std::unique_ptr<data::Dataset> as_bad_images_say(std::unique_ptr<data::Dataset> images, const ImageChoice& c,
                                                 const PretrainOptions& run, int threads) {
  const bool skip = (c.bad_images == "auto" ? run.bad_images : c.bad_images) == "skip";
  return skip ? data::without_broken(std::move(images), threads) : std::move(images);
}

void print_images(const data::Dataset& train, const data::Dataset& test) {
  std::printf("training: %s\ntest: %s\n", data::describe(train).c_str(), data::describe(test).c_str());
}

std::string unknown_classes(const data::Dataset& train, const data::Dataset& test) {
  std::vector<std::size_t> known(train.classes().size()), asked(known.size());
  for (std::size_t i = 0; i < train.size(); ++i) ++known.at(std::size_t(train.label(i)));
  for (std::size_t i = 0; i < test.size(); ++i) ++asked.at(std::size_t(test.label(i)));
  std::size_t images = 0, count = 0;
  std::string classes;
  for (std::size_t c = 0; c < known.size(); ++c) {
    if (known[c] > 0 || asked[c] == 0) continue;
    images += asked[c];
    if (++count <= 5) classes += (classes.empty() ? "" : ", ") + train.classes()[c];
  }
  if (images == 0) return "";
  return engine::concat_text(images, " test images are of classes without training images (", classes,
                             count > 5 ? ", ..." : "", "), and count as wrong");
}

void keep_test_split(const ImageChoice& c, const PretrainOptions& run, const data::Dataset& test) {
  if (run.split_from > 0 || c.split_from <= 0) return;
  try {
    write_text(test_split_path(c.run), data::entries_text(test));
  } catch (const std::exception& error) {
    std::printf("the list of the test images is not kept: %s\n", engine::shown(error.what()).c_str());
  }
}

}  // namespace apps
