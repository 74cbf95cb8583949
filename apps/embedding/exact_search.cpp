#include "apps/embedding/exact_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/error.h"
#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/vendor/matmul.h"
#include "kernels/vendor/tf32.h"

namespace apps {
namespace {

using engine::DType;
using engine::Tensor;

constexpr std::int64_t kTileBytes = 16 << 20, kQueryBlock = 256;

// Nearest rows of one query so far: a heap, whose top is the last of them.
class Nearest {
 public:
  explicit Nearest(std::size_t k) : k_(k) {}

  void offer(const FoundRow& found) {
    if (heap_.size() == k_) {
      if (!is_nearer(found, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), is_nearer);
      heap_.pop_back();
    }
    heap_.push_back(found);
    std::push_heap(heap_.begin(), heap_.end(), is_nearer);
  }
  // A score that can't be among the k greatest any more is below this one.
  double last() const {
    return heap_.size() < k_ ? -std::numeric_limits<double>::infinity() : heap_.front().cosine;
  }
  FoundRows sorted() && {
    std::sort_heap(heap_.begin(), heap_.end(), is_nearer);
    return std::move(heap_);
  }

 private:
  std::size_t k_;
  FoundRows heap_;
};

struct Candidate {
  std::int32_t row;  // of the tile
  float score;
};

// Those of a query's scores that are at least its limit, by row.
std::vector<Candidate> above(const float* scores, std::int64_t rows, float limit) {
  constexpr std::int64_t kPart = 512;
  std::vector<Candidate> all;
  for (std::int64_t first = 0; first < rows; first += kPart) {
    const std::int64_t end = std::min(rows, first + kPart);
    int count = 0;  // rarely any: this loop has no branch, so that it is vectorised
    for (std::int64_t r = first; r < end; ++r) count += int(scores[r] >= limit);
    for (std::int64_t r = first; count > 0; ++r)
      if (scores[r] >= limit) {
        all.push_back({std::int32_t(r), scores[r]});
        --count;
      }
  }
  return all;
}

// A walk over the tiles of a file: rows as unit vectors, in place where the file has such.
class Tiles {
 public:
  explicit Tiles(const EmbeddingFile& file)
      : file_(file), in_place_(file.about("normalized") == "true" ? file.in_place() : nullptr) {}

  const float* rows(std::int64_t first, std::int64_t count) {
    if (in_place_ != nullptr) return in_place_ + first * file_.width();
    copy_ = file_.tile(first, count);
    if (file_.about("normalized") != "true") copy_ = engine::l2_normalize(copy_);
    return copy_.data<float>();
  }
  void release(std::int64_t first, std::int64_t count) const {
    if (in_place_ != nullptr) file_.release(first, count);
  }

 private:
  const EmbeddingFile& file_;
  const float* in_place_;
  Tensor copy_;
};

// The scores (queries,rows) of a tile, on the host. This order makes oneDNN's product a fifth faster than the
// other.
class Scores {
 public:
  Scores(const Tensor& unit_queries, engine::Device device) : host_(unit_queries), device_(device) {
    if (device_.backend == engine::Backend::cuda) on_device_ = unit_queries.to(device_);
  }

  // first, queries: the block. begin_tile() comes before.
  Tensor block(std::int64_t first, std::int64_t queries) {
    if (on_device_.defined()) return engine::linear(on_device_.slice(first, queries), tile_).to(engine::cpu);
    const std::int64_t width = host_.dim(1);
    const Tensor scores({queries, count_}, DType::f32, engine::cpu);
    engine::on_stream(engine::cpu, [&](auto stream) {
      using Stream = decltype(stream);
      const auto bytes = kernels::matmul_workspace_bytes<Stream, float, float>(true, count_, width, width);
      const Tensor scratch({std::int64_t(bytes)}, DType::u8, engine::cpu);
      kernels::matmul(stream, false, true, queries, count_, width,
                      host_.slice(first, queries).template data<float>(), width, rows_, width,
                      scores.template data<float>(), count_, false, scratch.raw());
    });
    return scores;
  }
  void begin_tile(const float* rows, std::int64_t count) {
    rows_ = rows, count_ = count;
    if (!on_device_.defined()) return;
    tile_ = Tensor({count, host_.dim(1)}, DType::f32, device_);
    engine::copy_bytes(tile_.raw(), device_, rows, engine::cpu, tile_.bytes());
  }

 private:
  Tensor host_, on_device_, tile_;
  engine::Device device_;
  const float* rows_ = nullptr;
  std::int64_t count_ = 0;
};

}  // namespace

bool is_nearer(const FoundRow& a, const FoundRow& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.row < b.row;
}

double cosine_of(const float* a, const float* b, std::int64_t width) {
  constexpr int kLanes = 8;
  double dot[kLanes] = {}, aa[kLanes] = {}, bb[kLanes] = {};
  const std::int64_t whole = width / kLanes * kLanes;
  for (std::int64_t i = 0; i < whole; i += kLanes)
    for (int l = 0; l < kLanes; ++l) {
      const double x = a[i + l], y = b[i + l];
      dot[l] += x * y, aa[l] += x * x, bb[l] += y * y;
    }
  for (std::int64_t i = whole; i < width; ++i) {
    const double x = a[i], y = b[i];
    dot[i - whole] += x * y, aa[i - whole] += x * x, bb[i - whole] += y * y;
  }
  for (int l = 1; l < kLanes; ++l) dot[0] += dot[l], aa[0] += aa[l], bb[0] += bb[l];
  return aa[0] > 0 && bb[0] > 0 ? dot[0] / std::sqrt(aa[0] * bb[0]) : 0;
}

std::vector<FoundRows> nearest_rows(const EmbeddingFile& file, const Tensor& queries, int k,
                                    engine::Device device, std::int64_t tile_rows) {
  const std::int64_t width = file.width();
  engine::require(queries.shape().rank() == 2 && queries.dim(1) == width && queries.dtype() == DType::f32 &&
                      queries.device() == engine::cpu,
                  "nearest_rows: queries are ", queries.dtype(), " ", queries.shape(), ", expected f32 (Q,",
                  width, ") on the host");
  engine::require(k >= 1, "nearest_rows: k is ", k, ", expected at least 1");
  const engine::NoGrad no_grad;
  const Tensor unit = engine::l2_normalize(queries);
  const auto wanted = std::size_t(std::min<std::int64_t>(k, file.rows()));
  std::vector<Nearest> nearest(std::size_t(unit.dim(0)), Nearest(wanted));
  if (tile_rows <= 0)
    tile_rows = std::clamp<std::int64_t>(kTileBytes / (width * std::int64_t(sizeof(float))), 256, 65536);
  // Of unit vectors: a sum of D products in f32 is this far from the exact one at most (Higham 2002, 3.1),
  // and each vector's length is 1 up to a rounding.
  float error = float(width + 8) * std::numeric_limits<float>::epsilon();
  if (device.backend == engine::Backend::cuda && kernels::tf32_allowed())
    error += 0x1p-9f;  // of each factor 2^-11

  Tiles tiles(file);
  Scores scores(unit, device);
  for (std::int64_t first = 0; first < file.rows(); first += tile_rows) {
    const std::int64_t count = std::min(tile_rows, file.rows() - first);
    const float* rows = tiles.rows(first, count);
    scores.begin_tile(rows, count);
    for (std::int64_t block = 0; block < unit.dim(0); block += kQueryBlock) {
      const std::int64_t asked = std::min(kQueryBlock, unit.dim(0) - block);
      const Tensor tile_scores = scores.block(block, asked);
#pragma omp parallel for schedule(dynamic)
      for (std::int64_t q = 0; q < asked; ++q) {
        float least = float(nearest[std::size_t(block + q)].last()) - error;
        std::vector<Candidate> candidates = above(tile_scores.data<float>() + q * count, count, least);
        if (candidates.size() > wanted) {  // those that may be among the k greatest of this tile
          const auto kth = candidates.begin() + std::ptrdiff_t(wanted) - 1;
          std::nth_element(candidates.begin(), kth, candidates.end(),
                           [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
          least = std::max(least, kth->score - 2 * error);
        }
        const float* query = unit.data<float>() + (block + q) * width;
        for (const Candidate& c : candidates)
          if (c.score >= least)
            nearest[std::size_t(block + q)].offer(
                {first + c.row, cosine_of(query, rows + c.row * width, width)});
      }
    }
    tiles.release(first, count);
  }
  std::vector<FoundRows> found;
  for (Nearest& n : nearest) found.push_back(std::move(n).sorted());
  return found;
}

}  // namespace apps
