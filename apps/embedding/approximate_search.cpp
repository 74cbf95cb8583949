#include "apps/embedding/approximate_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "engine/error.h"

#ifdef DYAD_FAISS
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/index_io.h>

#include "engine/ops.h"
#include "engine/tape.h"
#endif

namespace apps {

using engine::UsageError;

std::string approximate_path(const std::string& index) {
  return std::filesystem::path(index).replace_extension(".faiss").string();
}

#ifndef DYAD_FAISS

void require_approximate(const std::string& kind, std::int64_t) {
  throw UsageError("--kind " + kind +
                   ": this dyad is built without FAISS, expected --kind exact, or a build with "
                   "Debian's libfaiss-dev");
}
struct ApproximateIndex::State {};
std::string build_approximate(const EmbeddingFile& file, const std::string& kind) {
  require_approximate(kind, file.rows());
  return "";
}
ApproximateIndex::ApproximateIndex(const EmbeddingFile& file) {
  require_approximate(file.about("index"), file.rows());
}
ApproximateIndex::~ApproximateIndex() = default;
std::vector<FoundRows> ApproximateIndex::nearest(const engine::Tensor&, int) const { return {}; }

#else

namespace {

using engine::DType;
using engine::Tensor;
using faiss::Index;

constexpr std::int64_t kLeastIvf = 10'000;  // PQ learns 256 centroids of each part, from 39 rows each
constexpr std::int64_t kAtOnce = 8192;      // rows
constexpr int kEnough = 10;                 // neighbours that the recall counts
constexpr double kWantedRecall = 0.95;
constexpr int kMostEffort = 4096;

Tensor unit_rows(const EmbeddingFile& file, std::int64_t first, std::int64_t count) {
  return engine::l2_normalize(file.tile(first, count));
}

// `count` rows, evenly spaced.
std::vector<std::int64_t> spaced(std::int64_t rows, std::int64_t count) {
  count = std::min(count, rows);
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) chosen.push_back(i * rows / count);
  return chosen;
}

Tensor rows_at(const EmbeddingFile& file, const std::vector<std::int64_t>& rows) {
  const Tensor all({std::int64_t(rows.size()), file.width()}, DType::f32, engine::cpu);
  for (std::size_t i = 0; i < rows.size(); ++i)
    file.read(rows[i], 1, all.data<float>() + std::int64_t(i) * file.width());
  return engine::l2_normalize(all);
}

// The centroid with the greatest product for each row.
std::vector<Index::idx_t> assigned(const Tensor& rows, const Tensor& centroids) {
  std::vector<Index::idx_t> lists;
  for (std::int64_t first = 0; first < rows.dim(0); first += kAtOnce) {
    const Tensor part = rows.slice(first, std::min(kAtOnce, rows.dim(0) - first));
    const Tensor best = engine::top_k(engine::linear(part, centroids), 1).indices;
    lists.insert(lists.end(), best.data<std::int32_t>(), best.data<std::int32_t>() + best.numel());
  }
  return lists;
}

// Spherical k-means (Dhillon & Modha 2001): FAISS's own needs a fast BLAS, and the engine's product is one.
Tensor centroids_of(const Tensor& rows, std::int64_t lists) {
  const std::int64_t width = rows.dim(1);
  Tensor centroids({lists, width}, DType::f32, engine::cpu);
  for (std::int64_t c = 0; c < lists; ++c)
    std::copy_n(rows.data<float>() + c * rows.dim(0) / lists * width, width,
                centroids.data<float>() + c * width);
  for (int round = 0; round < 10; ++round) {
    const std::vector<Index::idx_t> of_row = assigned(rows, centroids);
    const Tensor sums = engine::zeros(centroids.shape(), DType::f32, engine::cpu);
    std::vector<bool> used(std::size_t(lists), false);
    for (std::int64_t r = 0; r < rows.dim(0); ++r) {
      const auto c = std::int64_t(of_row[std::size_t(r)]);
      used[std::size_t(c)] = true;
      for (std::int64_t d = 0; d < width; ++d)
        sums.data<float>()[c * width + d] += rows.data<float>()[r * width + d];
    }
    for (std::int64_t c = 0; c < lists; ++c)  // an empty list begins anew at some row
      if (!used[std::size_t(c)])
        std::copy_n(rows.data<float>() + (c * 7919 + round) % rows.dim(0) * width, width,
                    sums.data<float>() + c * width);
    centroids = engine::l2_normalize(sums);
  }
  return centroids;
}

// Values of a part of a row that PQ encodes in one byte.
std::int64_t part_width(std::int64_t width) {
  for (const std::int64_t part : {4, 5, 3, 6, 7, 2})
    if (width % part == 0) return part;
  return 1;
}

std::unique_ptr<Index> ivf_pq_of(const EmbeddingFile& file) {
  const std::int64_t count = file.rows(), width = file.width();
  const auto lists = std::int64_t(2 * std::sqrt(double(count)));
  const Tensor learned = rows_at(file, spaced(count, std::max<std::int64_t>(40 * lists, 20'000)));
  const Tensor centroids = centroids_of(learned, lists);
  auto quantizer = std::make_unique<faiss::IndexFlatIP>(width);
  quantizer->add(lists, centroids.data<float>());
  auto index = std::make_unique<faiss::IndexIVFPQ>(quantizer.get(), std::size_t(width), std::size_t(lists),
                                                   std::size_t(width / part_width(width)), 8,
                                                   faiss::METRIC_INNER_PRODUCT);
  index->own_fields = quantizer.release() != nullptr;  // the index deletes it
  index->pq.cp.niter = 10;
  index->pq.cp.max_points_per_centroid = 78;
  index->train(std::min<std::int64_t>(learned.dim(0), 20'000), learned.data<float>());
  for (std::int64_t first = 0; first < count; first += kAtOnce) {
    const Tensor rows = unit_rows(file, first, std::min(kAtOnce, count - first));
    const std::vector<Index::idx_t> of_row = assigned(rows, centroids);
    index->add_core(rows.dim(0), rows.data<float>(), nullptr, of_row.data());
  }
  return index;
}

std::unique_ptr<Index> hnsw_of(const EmbeddingFile& file) {
  auto index = std::make_unique<faiss::IndexHNSWFlat>(int(file.width()), 32, faiss::METRIC_INNER_PRODUCT);
  index->hnsw.efConstruction = 100;
  for (std::int64_t first = 0; first < file.rows(); first += kAtOnce) {
    const Tensor rows = unit_rows(file, first, std::min(kAtOnce, file.rows() - first));
    index->add(rows.dim(0), rows.data<float>());
  }
  return index;
}

// The nearest rows among those that the index finds, by their cosines in f64.
std::vector<FoundRows> found_by(const Index& index, const EmbeddingFile& rows, const Tensor& queries, int k) {
  const Tensor unit = engine::l2_normalize(queries);
  // PQ's products are inexact: more candidates than wanted are compared with the rows themselves
  const std::int64_t candidates = std::min<std::int64_t>(rows.rows(), std::max<std::int64_t>(10L * k, 100));
  std::vector<float> products(std::size_t(unit.dim(0) * candidates));
  std::vector<Index::idx_t> ids(products.size());
  index.search(unit.dim(0), unit.data<float>(), candidates, products.data(), ids.data());
  std::vector<FoundRows> found(std::size_t(unit.dim(0)));
  const float* in_place = rows.in_place();
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t q = 0; q < unit.dim(0); ++q) {
    std::vector<float> row(in_place == nullptr ? std::size_t(rows.width()) : 0);
    FoundRows& all = found[std::size_t(q)];
    for (std::int64_t c = 0; c < candidates; ++c) {
      const Index::idx_t id = ids[std::size_t(q * candidates + c)];
      if (id < 0 || id >= rows.rows()) continue;  // fewer were looked at, or the index is damaged
      const float* at = in_place == nullptr ? row.data() : in_place + id * rows.width();
      if (in_place == nullptr) rows.read(id, 1, row.data());
      all.push_back({id, cosine_of(unit.data<float>() + q * rows.width(), at, rows.width())});
    }
    std::ranges::sort(all, is_nearer);
    if (all.size() > std::size_t(k)) all.resize(std::size_t(k));
  }
  return found;
}

void set_effort(Index& index, int effort) {
  if (auto* ivf = dynamic_cast<faiss::IndexIVFPQ*>(&index)) ivf->nprobe = std::size_t(effort);
  if (auto* hnsw = dynamic_cast<faiss::IndexHNSW*>(&index)) hnsw->hnsw.efSearch = effort;
}

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

// The share of exact's first rows, but the query's own, that are among the found ones.
double recall_of(const std::vector<FoundRows>& found, const std::vector<FoundRows>& exact,
                 const std::vector<std::int64_t>& own) {
  std::int64_t hits = 0, wanted = 0;
  for (std::size_t q = 0; q < exact.size(); ++q)
    for (const FoundRow& e : exact[q]) {
      if (e.row == own[q]) continue;
      ++wanted;
      hits += std::ranges::any_of(found[q], [&](const FoundRow& f) { return f.row == e.row; }) ? 1 : 0;
    }
  return wanted == 0 ? 1 : double(hits) / double(wanted);
}

}  // namespace

struct ApproximateIndex::State {
  std::unique_ptr<Index> index;
  const EmbeddingFile& rows;
};

void require_approximate(const std::string& kind, std::int64_t rows) {
  if (kind == "ivf-pq" && rows < kLeastIvf)
    throw UsageError(engine::concat_text("--kind ivf-pq: there are ", rows, " rows, expected at least ",
                                         kLeastIvf, ", or --kind exact"));
}

ApproximateIndex::ApproximateIndex(const EmbeddingFile& rows) {
  const std::string path = approximate_path(rows.path());
  std::unique_ptr<Index> index;
  try {
    index.reset(faiss::read_index(path.c_str()));
  } catch (const std::exception&) {  // its text names a place in FAISS's source
    throw engine::DataError(path + ": can't be read, expected FAISS's index of " + rows.path());
  }
  engine::require_data(index->d == rows.width() && index->ntotal == rows.rows(), path, ": has ",
                       index->ntotal, " rows of ", index->d, " values, expected ", rows.rows(), " of ",
                       rows.width(), " as ", rows.path());
  state_ = std::make_unique<State>(State{std::move(index), rows});
}

ApproximateIndex::~ApproximateIndex() = default;

std::vector<FoundRows> ApproximateIndex::nearest(const Tensor& queries, int k) const {
  return found_by(*state_->index, state_->rows, queries, k);
}

std::string build_approximate(const EmbeddingFile& file, const std::string& kind) {
  const engine::NoGrad no_grad;
  const auto index = kind == "hnsw" ? hnsw_of(file) : ivf_pq_of(file);
  const std::vector<std::int64_t> own = spaced(file.rows(), 100);
  const Tensor queries = rows_at(file, own);
  nearest_rows(file, queries, kEnough + 1, engine::cpu);  // so that the time is not that of a first start
  auto begun = std::chrono::steady_clock::now();
  const std::vector<FoundRows> exact = nearest_rows(file, queries, kEnough + 1, engine::cpu);
  const double exact_time = seconds_since(begun);
  double recall = 0, time = 0;
  int effort = kind == "hnsw" ? 16 : 1;
  for (;; effort += std::max(1, effort / 2)) {
    set_effort(*index, effort);
    begun = std::chrono::steady_clock::now();
    recall = recall_of(found_by(*index, file, queries, kEnough + 1), exact, own);
    time = seconds_since(begun);
    if (recall >= kWantedRecall || effort >= kMostEffort) break;
  }

  const std::string path = approximate_path(file.path()), partial = path + ".partial";
  try {
    faiss::write_index(index.get(), partial.c_str());  // with its effort
    std::filesystem::rename(partial, path);
  } catch (const std::exception&) {
    std::error_code ignored;
    std::filesystem::remove(partial, ignored);
    throw std::runtime_error(path + ": FAISS can't write it");
  }
  char text[200];
  std::snprintf(
      text, sizeof text,
      "recall@%d %.3f of the exact search, over %zu images; %.3f ms an image, exactly %.3f ms (%.1f x)",
      kEnough, recall, own.size(), 1e3 * time / double(own.size()), 1e3 * exact_time / double(own.size()),
      exact_time / time);
  return text;
}

#endif

}  // namespace apps
