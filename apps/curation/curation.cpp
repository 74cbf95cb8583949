#include "apps/curation/curation.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <unordered_map>

#include "data/files.h"
#include "data/formats/text_lines.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using engine::concat_text;
using engine::require_data;
using engine::Tensor;

std::string path_of(const EmbeddingFile& file, std::int64_t row) {
  return engine::restored(std::string(file.name(row)));
}

double threshold_of(const CurateOptions& o) { return o.threshold < 0 ? 0.95 : o.threshold; }

void leave_out_listed(const CurateOptions& o, const EmbeddingFile& file, std::vector<Why>& why) {
  if (o.keep_out.empty()) return;
  std::unordered_map<std::string, std::int64_t> rows;
  for (std::int64_t row = 0; row < file.rows(); ++row) {
    rows.emplace(std::string(file.name(row)), row);
    rows.emplace(plain_path(path_of(file, row)), row);
  }
  const fs::path folder = fs::path(o.keep_out).parent_path();
  for (const auto& [number, line] : data::text_lines(o.keep_out, "a list of images")) {
    auto found = rows.find(line);
    if (found == rows.end()) found = rows.find(plain_path((folder / line).string()));
    require_data(found != rows.end(), o.keep_out, " line ", number, ": ", engine::shown(line),
                 " is no image of ", file.path());
    why[std::size_t(found->second)] = Why::listed;
  }
}

// Features that were made in two ways can't be compared.
void require_same_making(const EmbeddingFile& images, const EmbeddingFile& against) {
  require_data(images.width() == against.width(), against.path(), ": has features of ", against.width(),
               " values, expected ", images.width(), " as in ", images.path());
  const std::string one = images.about("encoder_hash"), other = against.about("encoder_hash");
  require_data(one.empty() || other.empty() || one == other, against.path(), ": is of the encoder ", other,
               ", expected ", one, " as in ", images.path());
  const std::string mirror = against.about("mirror");
  require_data(mirror == images.about("mirror"), against.path(), ": was made with",
               mirror.empty() ? "out" : "", " --mirror, expected the same as ", images.path());
}

std::uintmax_t bytes_of(const EmbeddingFile& file, std::int32_t row) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path_of(file, row), error);
  require_data(!error, engine::shown(std::string(file.name(row))), ": ", error.message(),
               ", so --prefer largest can't compare sizes, expected image files, or --prefer first");
  return bytes;
}

// Whether a is to be kept rather than b.
bool is_better(bool by_size, const EmbeddingFile& file, std::int32_t a, std::int32_t b) {
  if (by_size)
    if (const auto one = bytes_of(file, a), other = bytes_of(file, b); one != other) return one > other;
  const std::string_view one = file.name(a), other = file.name(b);
  return one != other ? one < other : a < b;
}

float cosine_of(const Tensor& units, std::int32_t a, std::int32_t b) {
  const float *x = units.data<float>() + a * units.dim(1), *y = units.data<float>() + b * units.dim(1);
  double sum = 0;
  for (std::int64_t d = 0; d < units.dim(1); ++d) sum += double(x[d]) * double(y[d]);
  return float(std::min(1.0, sum));
}

void count_at_higher(std::vector<NearPair> pairs, double threshold, Curation& c) {
  for (const double higher : {0.97, 0.98, 0.99, 0.995, 0.999}) {
    if (higher <= threshold || pairs.empty()) continue;
    std::erase_if(pairs, [&](const NearPair& p) { return p.cosine < higher; });
    std::int64_t left_out = 0;
    for (const auto& group : connected(c.why.size(), pairs)) left_out += std::int64_t(group.size()) - 1;
    c.at_higher.emplace_back(higher, left_out);
  }
}

void find_groups(const CurateOptions& o, const EmbeddingFile& file, const Tensor& units, Curation& c) {
  std::vector<NearPair> pairs =
      o.pairs > 0 ? closest_pairs(units, std::size_t(o.pairs)) : pairs_above(units, threshold_of(o));
  const bool by_size = o.prefer == "largest" || (o.prefer == "auto" && names_files(file));
  const Tensor host = units.to(engine::cpu);
  for (auto& rows : connected(c.why.size(), pairs)) {
    NearGroup group{-1, std::move(rows), {}};
    for (const std::int32_t row : group.rows)
      if (c.why[std::size_t(row)] == Why::kept &&
          (group.kept < 0 || is_better(by_size, file, row, group.kept)))
        group.kept = row;
    for (const std::int32_t row : group.rows) {
      group.cosines.push_back(cosine_of(host, group.kept < 0 ? group.rows.front() : group.kept, row));
      if (c.why[std::size_t(row)] == Why::kept && row != group.kept) c.why[std::size_t(row)] = Why::duplicate;
    }
    c.groups.push_back(std::move(group));
  }
  std::ranges::stable_sort(c.groups, std::greater(), [](const NearGroup& g) { return g.rows.size(); });
  if (o.pairs == 0) count_at_higher(std::move(pairs), threshold_of(o), c);
}

void find_outliers(const CurateOptions& o, const Tensor& units, Curation& c) {
  c.distances = neighbour_distances(units, o.neighbour);
  c.isolated.resize(c.why.size());
  std::iota(c.isolated.begin(), c.isolated.end(), 0);
  std::ranges::stable_sort(c.isolated, std::greater(),
                           [&](std::int32_t row) { return c.distances[std::size_t(row)]; });
  auto left = std::lround(o.outliers * double(c.count(Why::kept)));
  for (const std::int32_t row : c.isolated)
    if (left > 0 && c.why[std::size_t(row)] == Why::kept) c.why[std::size_t(row)] = Why::outlier, --left;
}

}  // namespace

std::int64_t Curation::count(Why wanted) const { return std::ranges::count(why, wanted); }

std::string reason_text(Why why, const CurateOptions& o) {
  const std::string near = o.pairs > 0 && why == Why::duplicate
                               ? concat_text(" (the ", data::counted(o.pairs, "closest pair"), ")")
                               : concat_text(" (cosine at least ", threshold_of(o), ")");
  switch (why) {
    case Why::kept:
      return "kept";
    case Why::listed:
      return "listed in " + fs::path(o.keep_out).filename().string();
    case Why::leaked:
      return "near duplicates of an image of " + fs::path(o.against).filename().string() + near;
    case Why::duplicate:
      return "near duplicates of another image" + near;
    case Why::outlier:
      break;
  }
  return concat_text("the most isolated (distance to neighbour ", o.neighbour, ")");
}

Curation curate_images(const CurateOptions& o, const EmbeddingFile& images, const EmbeddingFile* against) {
  const engine::Device device = engine::parse_device(o.device);
  if (against != nullptr) require_same_making(images, *against);
  Curation c;
  c.why.assign(std::size_t(images.rows()), Why::kept);
  leave_out_listed(o, images, c.why);
  const Tensor units = unit_features(images, device);
  if (against != nullptr) {
    c.leaks = matches_above(units, unit_features(*against, device), threshold_of(o));
    for (const NearPair& p : c.leaks)
      if (Why& why = c.why[std::size_t(p.a)]; why == Why::kept) why = Why::leaked;
    std::ranges::stable_sort(c.leaks, std::greater(), &NearPair::cosine);
  }
  find_groups(o, images, units, c);
  find_outliers(o, units, c);
  std::vector<std::int32_t> kept;
  for (std::size_t row = 0; row < c.why.size(); ++row)
    if (c.why[row] == Why::kept) kept.push_back(std::int32_t(row));
  if (kept.empty()) throw engine::UsageError("these rules leave out every image, expected some to be kept");
  if (o.subset > 0)
    c.subset = o.by == "k-center" ? k_center(units, kept, o.subset)
                                  : from_clusters(units, kept, k_means(units, kept, o.clusters), o.subset);
  return c;
}

bool names_files(const EmbeddingFile& file) {
  std::error_code none;
  return fs::is_regular_file(path_of(file, 0), none);
}

std::string listed_name(const EmbeddingFile& file, std::int64_t row, bool is_file) {
  return is_file ? plain_path(path_of(file, row)) : std::string(file.name(row));
}

LeftOut left_out_of(const CurateOptions& o, const Curation& c) {
  LeftOut l{o.embeddings, std::int64_t(c.why.size()), c.count(Why::kept), {}};
  for (const Why why : {Why::listed, Why::leaked, Why::duplicate, Why::outlier})
    if (const std::int64_t n = c.count(why); n > 0) l.reasons.emplace_back(reason_text(why, o), n);
  return l;
}

}  // namespace apps
