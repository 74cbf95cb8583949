// dyad embed: features of any images in one file, row by row.
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "apps/cli/commands.h"
#include "apps/embedding/embedding_writer.h"
#include "apps/embedding/image_features.h"
#include "apps/ranks/ranks.h"
#include "apps/run/checkpoint.h"
#include "apps/run/encoder_file.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/system/json_text.h"
#include "data/files.h"
#include "data/list_hash.h"
#include "engine/escape.h"
#include "engine/files/half.h"
#include "engine/files/hash.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

// Everything that a row depends on.
ordered_json rows_made_of(const EmbedOptions& e, const PretrainOptions& o, const models::Method& method,
                          const data::Dataset& images) {
  return {{"weights", engine::hash_text(method.parameters.hash())},
          {"data", e.data},
          {"images", engine::hash_text(data::list_hash(images, e.data))},
          {"files", data::files_text(images, false)},
          {"--features", e.features},
          {"--pool", e.pool},
          {"--mirror", e.mirror},
          {"--dtype", e.dtype},
          {"--branch", e.branch},
          {"--size", o.size},
          {"--batch", e.batch},
          {"--device", e.device},
          {"format", std::filesystem::path(e.out).extension().string()}};
}

std::map<std::string, std::string> metadata_of_features(const EmbedOptions& e, const PretrainOptions& o,
                                                        const models::Method& method, long step,
                                                        const data::Dataset& images) {
  std::map<std::string, std::string> m = encoder_metadata(o, method.parameters, step);
  m["format"] = "pt";
  if (e.branch == "target") m["branch"] = e.branch;
  if (!images.classes().empty()) m["classes"] = json_text(images.classes());
  m["features"] = e.features;
  if (e.features.size() == 2) m["pool"] = e.pool == "gap" ? "gap" : "none";
  if (e.features == "projection")
    m["projection_hash"] = engine::hash_text(method.parameters.hash("projection."));
  if (e.mirror) m["mirror"] = "mean";
  m["data"] = e.data;  // where the pictures of the rows are
  m["split"] = e.split;
  return m;
}

// Says from time to time how far a long work is.
class Told {
 public:
  void row(std::int64_t done, std::int64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::seconds(30)) return;
    last_ = now;
    std::printf("%s of %s images\n", data::with_commas(std::uint64_t(done)).c_str(),
                data::with_commas(std::uint64_t(total)).c_str());
    std::fflush(stdout);
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace

int embed(const EmbedOptions& e) {
  require_one_process("embed");
  require_embedding_name(e.out, e.features.size() == 2 && e.pool != "gap" ? 4 : 2);
  PretrainOptions o = read_run_options(e.run);
  require_branch(o, e.branch);
  const Checkpoint checkpoint = chosen_checkpoint(e.run, e.checkpoint);
  const auto method = make_method(o, engine::parse_device(e.device));
  const FeatureFunction f = feature_function(*method, e.features, e.pool, e.mirror);
  const auto images = embedded_images(e, o, e.threads);
  std::printf("%s\n", data::describe(*images).c_str());
  std::fflush(stdout);
  if (e.size > 0) o.size = e.size;
  load_parameters(checkpoint, method->parameters, e.branch);
  const FeatureOptions how = {
      o.recipe, o.size, e.batch, e.threads, method->parameters.device(), engine::parse_dtype(o.dtype)};
  const auto total = std::int64_t(images->size());
  const bool half = e.dtype == "f16";

  EmbeddingPlan plan{.path = e.out,
                     .shape = feature_shape(f, how, total),
                     .half = half,
                     .name = [&](std::int64_t i) { return images->name(std::size_t(i)); },
                     .classes = images->classes(),
                     .metadata = metadata_of_features(e, o, *method, checkpoint.step(), *images),
                     .made_of = rows_made_of(e, o, *method, *images)};
  for (std::int64_t i = 0; i < total && !plan.classes.empty(); ++i)
    plan.labels.push_back(images->label(std::size_t(i)));
  std::error_code none;
  const bool replaces = std::filesystem::exists(e.out, none);
  const engine::Shape shape = plan.shape;
  const bool labelled = !plan.labels.empty();
  EmbeddingWriter writer(std::move(plan));
  if (writer.rows() > 0)
    std::printf("continues behind image %s of %s\n", data::with_commas(std::uint64_t(writer.rows())).c_str(),
                data::with_commas(std::uint64_t(total)).c_str());
  std::fflush(stdout);
  Told told;
  const float most = half ? engine::kMostHalf : std::numeric_limits<float>::max();
  each_batch(*images, how, writer.rows(), f, [&](const engine::Tensor& part, const data::Batch&) {
    writer.append(host_rows(part, *images, writer.rows(), most));
    told.row(writer.rows(), total);
  });
  writer.finish();
  for (const std::string& note : images->decoding_notes()) std::printf("%s\n", engine::shown(note).c_str());
  std::printf("%s: %s %s%s of %s%s\n", engine::shown(e.out).c_str(), e.dtype.c_str(),
              engine::concat_text(e.features, " features ", shape).c_str(), labelled ? " and labels" : "",
              engine::shown(e.data).c_str(), replaces ? " (the file that was there is replaced)" : "");
  return 0;
}

}  // namespace apps
