#include "apps/training/training_data.h"

#include <filesystem>

#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "data/subset.h"
#include "data/view_parts.h"
#include "models/methods/methods.h"

namespace apps {

namespace {

bool learns_from_labels(const PretrainOptions& o) { return models::describe_method(o, o.batch).labels; }

std::unique_ptr<data::Dataset> all_images(const PretrainOptions& o) {
  const data::Split split = learns_from_labels(o) ? data::Split::train : data::Split::pretrain;
  auto images = data::open_dataset(o.data, split, o.label_file);
  if (split == data::Split::pretrain) return images;
  const std::string why = images->unlabelled();
  engine::require_data(why.empty(), "--method ", o.method, " learns from classes: ", why);
  engine::require_data(images->classes().size() > 1, "--method ", o.method, " learns from classes: ", o.data,
                       " has images of one class only, expected two or more");
  return images;
}

// A run keeps the test split that it was begun with: evaluations read its list.
void require_same_split(const PretrainOptions& o) {
  if (o.resume.empty() || !std::filesystem::exists(o.run + "/config.toml")) return;
  const double begun = read_run_options(o.run).split_from;
  if (begun != o.split_from && !checkpoints(o.run).empty())
    throw engine::UsageError(engine::concat_text("--split-from is ", o.split_from,
                                                 ", but the run was begun with ", begun,
                                                 " and keeps its test split: leave it out"));
}

}  // namespace

std::unique_ptr<data::Dataset> pretraining_images(const PretrainOptions& o) {
  require_same_split(o);
  if (o.split_from <= 0) return all_images(o);
  const std::shared_ptr<const data::Dataset> all = all_images(o);
  const std::string kept = test_split_path(o.run);
  const bool resumed = !o.resume.empty() && std::filesystem::exists(kept);
  return data::without(all, resumed ? data::find_images(*all, kept).indices
                                    : data::draw_test_split(*all, o.split_from, o.seed));
}

data::BadImages bad_images(const DataOptions& o) {
  return o.bad_images == "skip" ? data::BadImages::skip : data::BadImages::stop;
}

bool keeps_pixels(const DataOptions& o, const data::Dataset& dataset, engine::Device device) {
  return o.resident == "on" || (o.resident == "auto" && data::worth_residing(dataset, device));
}

std::unique_ptr<data::Resident> resident_pixels(const DataOptions& o, std::uint64_t seed,
                                                const data::Dataset& dataset, engine::Device device) {
  if (!keeps_pixels(o, dataset, device)) return nullptr;
  return std::make_unique<data::Resident>(dataset, device, o.threads, bad_images(o), seed);
}

data::LoaderOptions loader_options(const PretrainOptions& o, engine::Device device, bool resident) {
  const auto recipes = recipes_of(o);
  return {.batch = o.batch,
          .threads = o.threads,
          .seed = o.seed,
          .device = device,
          .bad_images = bad_images(o),
          .shuffle_second = models::describe_method(o, o.batch).shuffles,
          .pixels = !resident,
          .part = data::part_of_views(
              {recipes[0], recipes[1]}, o.size, o.seed,
              o.decode == "scaled" ? data::CropDecoding::scaled : data::CropDecoding::exact)};
}

data::ViewBatches training_views(const PretrainOptions& o, engine::Device device,
                                 const data::Resident* resident) {
  const auto recipes = recipes_of(o);
  return {{recipes[0], recipes[1]}, o.size, o.seed, device, engine::parse_dtype(o.dtype), resident,
          learns_from_labels(o)};
}

}  // namespace apps
