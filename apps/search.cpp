// dyad search: the images of an index that are most similar to a query.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>

#include "apps/cli/commands.h"
#include "apps/embedding/approximate_search.h"
#include "apps/embedding/embedding_file.h"
#include "apps/embedding/exact_search.h"
#include "apps/embedding/found_images.h"
#include "apps/embedding/image_features.h"
#include "apps/ranks/ranks.h"
#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/hash.h"

namespace apps {
namespace {

using engine::UsageError;

constexpr std::size_t kMostOnPage = 200;  // queries: a page of all pictures of a data set would not open

// What the index says about how its images were embedded; the queries are embedded the same way.
std::string about_or(const EmbeddingFile& index, const std::string& key, const std::string& otherwise) {
  const std::string said = index.about(key);
  return said.empty() ? otherwise : said;
}

int size_of_index(const EmbeddingFile& index) {
  const std::string text = index.about("size");
  int size = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), size);
  engine::require_data(
      end.ec == std::errc() && end.ptr == text.data() + text.size() && size >= 1 && size <= 1024,
      index.path(), ": its metadata say no size of the images, expected a file of dyad index");
  return size;
}

// What to search with: the checkpoint of the step that the index is of, if the run still has it.
std::string checkpoint_of(const SearchOptions& s, const EmbeddingFile& index) {
  const std::string path = checkpoint_path(s.run, std::atol(index.about("step").c_str()));
  std::error_code none;
  if (s.checkpoint.empty() && std::filesystem::is_regular_file(path, none))
    return "--checkpoint " + path + " if it is of this run, or an index made again";
  return "the run and checkpoint of the index, or an index made again";
}

// Other weights give features of another space, where no cosine means anything.
void require_same_encoder(const SearchOptions& s, const EmbeddingFile& index,
                          const engine::Parameters& parameters) {
  for (const auto& [key, prefix] :
       {std::pair("encoder_hash", "encoder."), {"projection_hash", "projection."}}) {
    const std::string made = index.about(key);
    if (made.empty() && key != std::string("encoder_hash")) continue;
    const std::string own = engine::hash_text(parameters.hash(prefix));
    if (made == own) continue;
    throw UsageError("--run " + s.run + ": its " + key + " is " + own + ", but " + index.path() +
                     " was made with " + (made.empty() ? "an unknown one" : made) + ", expected " +
                     checkpoint_of(s, index));
  }
}

struct Searched {
  std::vector<FoundRows> rows;
  double reading, seconds;  // of FAISS's index, which is in memory; of the search
};

Searched searched(const SearchOptions& s, const EmbeddingFile& index, const std::string& kind,
                  const engine::Tensor& queries, int k) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  };
  const auto begun = Clock::now();
  std::optional<ApproximateIndex> approximate;
  if (kind != "exact") approximate.emplace(index);
  const auto read = Clock::now();
  std::vector<FoundRows> rows = approximate ? approximate->nearest(queries, k)
                                            : nearest_rows(index, queries, k, engine::parse_device(s.device));
  return {std::move(rows), seconds(begun, read), seconds(read, Clock::now())};
}

// Leaves out each query's own row, and keeps k of k + 1.
void skip_own_rows(const data::Dataset& queries, const EmbeddingFile& index, int k,
                   std::vector<FoundRows>& rows) {
  const auto plain = [](const std::string& name) { return plain_path(engine::restored(name)); };
  for (std::size_t q = 0; q < rows.size(); ++q) {
    const auto own = plain(queries.name(q));
    std::erase_if(rows[q], [&](const FoundRow& r) { return plain(std::string(index.name(r.row))) == own; });
    if (rows[q].size() > std::size_t(k)) rows[q].resize(std::size_t(k));
  }
}

}  // namespace

int search(const SearchOptions& s) {
  require_one_process("search");
  const EmbeddingFile index(s.index);
  engine::require_data(index.shape().rank() == 2, index.path(), ": features are ", index.shape(),
                       ", expected (N,D), as dyad index writes");
  const std::string kind = s.exact ? "exact" : about_or(index, "index", "exact");
  if (kind != "exact") require_approximate(kind, index.rows());
  PretrainOptions o = read_run_options(s.run);
  const std::string branch = about_or(index, "branch", "online");
  require_branch(o, branch);
  const Checkpoint checkpoint = chosen_checkpoint(s.run, s.checkpoint);
  const auto method = make_method(o, engine::parse_device(s.device));
  load_parameters(checkpoint, method->parameters, branch);
  require_same_encoder(s, index, method->parameters);

  ImageChoice choice;
  choice.data = s.query;
  choice.run = s.run;
  choice.bad_images = s.bad_images;
  const auto images = embedded_images(choice, o, s.threads);
  const FeatureOptions how = {o.recipe,  size_of_index(index),        s.batch,
                              s.threads, method->parameters.device(), engine::parse_dtype(o.dtype)};
  const FeatureFunction f =
      feature_function(*method, about_or(index, "features", "backbone"), about_or(index, "pool", "auto"),
                       index.about("mirror") == "mean");
  const engine::Tensor queries({std::int64_t(images->size()), index.width()}, engine::DType::f32,
                               engine::cpu);
  std::int64_t done = 0;
  each_batch(*images, how, 0, f, [&](const engine::Tensor& part, const data::Batch&) {
    const engine::Tensor rows = host_rows(part, *images, done, std::numeric_limits<float>::max());
    engine::require_data(rows.shape().rank() == 2 && rows.dim(1) == index.width(), index.path(),
                         ": has rows of ", index.width(), " values, expected ", rows.dim(1),
                         " as the encoder of ", s.run, " has");
    engine::copy_bytes(queries.slice(done, rows.dim(0)).raw(), engine::cpu, rows.raw(), engine::cpu,
                       rows.bytes());
    done += rows.dim(0);
  });

  auto [rows, reading, seconds] = searched(s, index, kind, queries, s.k + int(s.skip_self));
  if (s.skip_self) skip_own_rows(*images, index, s.k, rows);
  const Found found{*images, index, rows, s.run, kind, s.k};
  std::printf("%s", found_text(found).c_str());
  std::printf("%s in %s, %s: %.3g s\n", data::counted(double(rows.size()), "image").c_str(),
              data::with_commas(std::uint64_t(index.rows())).c_str(), kind.c_str(), seconds);
  if (kind != "exact") std::printf("reading the %s index: %.3g s\n", kind.c_str(), reading);
  if (!s.json.empty()) {
    nlohmann::ordered_json result = found_json(found);
    result["seconds"] = seconds;
    if (kind != "exact") result["seconds_reading"] = reading;
    write_json(s.json, result);
  }
  if (s.html.empty()) return 0;
  std::size_t missing = 0;
  write_text(s.html, found_page(found, kMostOnPage, missing));
  std::printf("page: %s\n", engine::shown(s.html).c_str());
  if (rows.size() > kMostOnPage)
    std::printf("the page has the first %zu of %zu queries\n", kMostOnPage, rows.size());
  if (missing > 0)
    std::printf("the page lacks %s that are not there any more\n",
                data::counted(double(missing), "picture").c_str());
  return 0;
}

}  // namespace apps
