#include "models/knn.h"

#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "engine/tape.h"

namespace models {
namespace {

using engine::Tensor;

// Of similarities at one time: query_block x train_block, 32 MB in f32.
constexpr std::int64_t query_block = 256, train_block = 32768;

struct Neighbour {
  double cosine;
  std::int32_t index;
};

// Adds the k nearest of one block of training rows to each query's list, which stays sorted and k long.
void merge(const engine::TopK& top, std::int64_t first, std::size_t k,
           std::vector<std::vector<Neighbour>>& lists) {
  const std::vector<double> cosines = top.values.to_vector(), indices = top.indices.to_vector();
  const std::size_t width = cosines.size() / lists.size();
  for (std::size_t q = 0; q < lists.size(); ++q) {
    auto& list = lists[q];
    for (std::size_t i = q * width; i < (q + 1) * width; ++i)
      list.push_back({cosines[i], std::int32_t(first + std::int64_t(indices[i]))});
    std::stable_sort(list.begin(), list.end(),
                     [](const Neighbour& a, const Neighbour& b) { return a.cosine > b.cosine; });
    if (list.size() > k) list.resize(k);
  }
}

}  // namespace

KnnResult classify_by_neighbours(const Tensor& train, const std::vector<std::int32_t>& labels,
                                 const Tensor& test, int classes, const KnnOptions& o) {
  using engine::require;
  require(train.shape().rank() == 2 && train.dim(0) == std::int64_t(labels.size()) && !labels.empty(),
          "knn: train is ", train.shape(), ", expected (", labels.size(),
          ",D) for as many labels, at least 1");
  require(test.shape().rank() == 2 && test.dim(1) == train.dim(1) && test.dtype() == train.dtype(),
          "knn: test is ", test.dtype(), " ", test.shape(), ", expected ", train.dtype(), " (M,",
          train.dim(1), ")");
  require(o.k >= 1 && o.temperature > 0, "knn: k = ", o.k, ", T = ", o.temperature,
          ", expected k of at least 1 and T above 0");
  for (std::int32_t label : labels)
    require(label >= 0 && label < classes, "knn: label ", label, ", expected 0 .. ", classes - 1);

  const engine::NoGrad no_grad;
  const Tensor known = engine::l2_normalize(train), queries = engine::l2_normalize(test);
  const auto k = std::size_t(std::min<std::int64_t>(o.k, train.dim(0)));
  KnnResult result{int(k), {}, {}, {}};
  for (std::int64_t q = 0; q < test.dim(0); q += query_block) {
    const Tensor block = queries.slice(q, std::min(query_block, test.dim(0) - q));
    std::vector<std::vector<Neighbour>> lists(std::size_t(block.dim(0)));
    for (std::int64_t t = 0; t < train.dim(0); t += train_block) {
      const Tensor rows = known.slice(t, std::min(train_block, train.dim(0) - t));
      merge(top_k(linear(block, rows), int(std::min(std::int64_t(k), rows.dim(0)))), t, k, lists);
    }
    for (const auto& list : lists) {
      std::vector<double> votes(std::size_t(classes), 0);
      for (const Neighbour& n : list) {
        // relative to the nearest one's: the same order, and no overflow at a small T
        votes[std::size_t(labels[std::size_t(n.index)])] +=
            std::exp((n.cosine - list[0].cosine) / o.temperature);
        result.neighbours.push_back(n.index);
        result.cosines.push_back(n.cosine);
      }
      result.predicted.push_back(std::int32_t(std::max_element(votes.begin(), votes.end()) - votes.begin()));
    }
  }
  return result;
}

}  // namespace models
