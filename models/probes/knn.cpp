#include "models/probes/knn.h"

#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "engine/tape.h"
#include "models/probes/accuracy.h"
#include "models/probes/probe_data.h"

namespace models {
namespace {

using engine::Tensor;

// Similarities are computed in blocks of query_block x train_block, 32 MB in f32.
constexpr std::int64_t query_block = 256, train_block = 32768;

struct Neighbour {
  double cosine;
  std::int32_t row;
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

// The classes with the most votes, the first of equals first.
void append_best(std::vector<double> votes, std::vector<std::int32_t>& best) {
  for (int i = 0; i < kBest; ++i) {
    const auto most = std::max_element(votes.begin(), votes.end());
    best.push_back(*most > 0 ? std::int32_t(most - votes.begin()) : -1);
    *most = 0;
  }
}

}  // namespace

Neighbours nearest_neighbours(const Tensor& train, const Tensor& queries, int k) {
  using engine::require;
  require(train.shape().rank() == 2 && train.dim(0) >= 1, "knn: train is ", train.shape(),
          ", expected (N,D), N at least 1");
  require(queries.shape().rank() == 2 && queries.dim(1) == train.dim(1) && queries.dtype() == train.dtype(),
          "knn: queries are ", queries.dtype(), " ", queries.shape(), ", expected ", train.dtype(), " (M,",
          train.dim(1), ")");
  require(k >= 1, "knn: k = ", k, ", expected at least 1");

  const engine::NoGrad no_grad;
  const Tensor known = engine::l2_normalize(train), asked = engine::l2_normalize(queries);
  Neighbours nearest{int(std::min<std::int64_t>(k, train.dim(0))), {}, {}};
  for (std::int64_t q = 0; q < asked.dim(0); q += query_block) {
    const Tensor block = asked.slice(q, std::min(query_block, asked.dim(0) - q));
    std::vector<std::vector<Neighbour>> lists(std::size_t(block.dim(0)));
    for (std::int64_t t = 0; t < known.dim(0); t += train_block) {
      const Tensor rows = known.slice(t, std::min(train_block, known.dim(0) - t));
      merge(top_k(linear(block, rows), int(std::min<std::int64_t>(nearest.k, rows.dim(0)))), t,
            std::size_t(nearest.k), lists);
    }
    for (const auto& list : lists)
      for (const Neighbour& n : list) {
        nearest.rows.push_back(n.row);
        nearest.cosines.push_back(n.cosine);
      }
  }
  return nearest;
}

KnnResult classify_by_neighbours(const Tensor& train, const std::vector<std::int32_t>& labels,
                                 const Tensor& test, int classes, const KnnOptions& o) {
  check_labelled("knn", train, labels, classes);
  engine::require(o.temperature > 0, "knn: T = ", o.temperature, ", expected above 0");
  KnnResult result{nearest_neighbours(train, test, o.k), {}};
  const auto k = std::size_t(result.nearest.k);
  for (std::size_t q = 0; q < result.nearest.rows.size(); q += k) {
    std::vector<double> votes(std::size_t(classes), 0);
    for (std::size_t i = q; i < q + k; ++i)
      // relative to the vote of the nearest: the order stays, and a small T does not overflow
      votes[std::size_t(labels[std::size_t(result.nearest.rows[i])])] +=
          std::exp((result.nearest.cosines[i] - result.nearest.cosines[q]) / o.temperature);
    result.predicted.push_back(std::int32_t(std::max_element(votes.begin(), votes.end()) - votes.begin()));
    append_best(votes, result.best);
  }
  return result;
}

}  // namespace models
