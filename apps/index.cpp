// dyad index: features made ready for `dyad search`.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "apps/cli/commands.h"
#include "apps/embedding/approximate_search.h"
#include "apps/embedding/embedding_file.h"
#include "apps/embedding/embedding_writer.h"
#include "apps/embedding/unit_row.h"
#include "apps/ranks/ranks.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

namespace fs = std::filesystem;

// Unit vectors. std::runtime_error, which names the image, if a row can't be one.
void normalize(const engine::Tensor& rows, const EmbeddingFile& file, std::int64_t first) {
  for (std::int64_t r = 0; r < rows.dim(0); ++r) {
    const double length = make_unit(rows.data<float>() + r * rows.dim(1), rows.dim(1));
    engine::require_data(std::isfinite(length) && length > 0, file.path(), ": the features of ",
                         std::string(file.name(first + r)),
                         std::isfinite(length) ? " are all 0" : " are not finite",
                         ", expected features that have a direction");
  }
}

}  // namespace

int index_embeddings(const IndexOptions& o) {
  require_one_process("index");
  if (fs::path(o.out).extension() != ".safetensors")
    throw engine::UsageError("--out " + o.out + ": expected a name that ends in .safetensors");
  const EmbeddingFile file(o.embeddings);
  const bool approximate = o.kind != "exact";
  if (approximate) require_approximate(o.kind, file.rows());
  std::error_code none;
  if (fs::equivalent(o.embeddings, o.out, none))
    throw engine::UsageError("--out " + o.out + ": is the file of --embeddings, expected another one");
  engine::require_data(file.shape().rank() == 2, file.path(), ": features are ", file.shape(),
                       ", expected (N,D), as dyad embed writes with --pool gap");
  const std::int64_t count = file.rows(), width = file.width();

  EmbeddingPlan plan{.path = o.out,
                     .shape = {count, width},
                     .name = [&](std::int64_t i) { return std::string(file.name(i)); },
                     .labels = file.labels(),
                     .classes = file.classes(),
                     .metadata = file.metadata(),
                     .made_of = {{"--embeddings", o.embeddings},
                                 {"bytes", fs::file_size(o.embeddings)},
                                 {"written", fs::last_write_time(o.embeddings).time_since_epoch().count()},
                                 {"--kind", o.kind}},
                     .between_saves = std::chrono::hours(24 * 365)};  // made again sooner than continued
  if (!file.classes().empty()) plan.metadata["classes"] = nlohmann::json(file.classes()).dump();
  plan.metadata["normalized"] = "true";
  plan.metadata["index"] = o.kind;
  EmbeddingWriter writer(std::move(plan));
  const std::int64_t tile = std::max<std::int64_t>(1, (16 << 20) / (4 * width));
  while (writer.rows() < count) {
    const std::int64_t first = writer.rows();
    const engine::Tensor rows = file.tile(first, std::min(tile, count - first));
    normalize(rows, file, first);
    writer.append(rows);
  }
  fs::remove(approximate_path(o.out), none);  // of other rows
  writer.finish();
  if (approximate) {
    try {
      std::printf("%s\n", build_approximate(EmbeddingFile(o.out), o.kind).c_str());
    } catch (...) {
      fs::remove(o.out, none);
      throw;
    }
  }
  std::printf("%s: %s index of %s, %s values each\n", engine::shown(o.out).c_str(), o.kind.c_str(),
              data::counted(double(count), "image").c_str(), data::with_commas(std::uint64_t(width)).c_str());
  return 0;
}

}  // namespace apps
