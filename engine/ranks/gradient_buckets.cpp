#include "engine/ranks/gradient_buckets.h"

#include <algorithm>

namespace engine {

GradientBuckets::GradientBuckets(const Parameters& parameters, Communicator& communicator, std::int64_t bytes)
    : parameters_(parameters), communicator_(communicator), overlap_(bytes > 0) {
  std::vector<const Parameter*> trained;
  for (const Parameter& p : parameters.list())
    if (p.trained) trained.push_back(&p);
  std::sort(trained.begin(), trained.end(),
            [](const Parameter* a, const Parameter* b) { return a->offset < b->offset; });
  const auto size = std::int64_t(size_of(parameters.dtype()));
  for (const Parameter* p : trained) {
    const std::int64_t full = buckets_.size() == 1 ? bytes / 8 : bytes;
    if (buckets_.empty() || (buckets_.back().end - buckets_.back().begin) * size >= full)
      buckets_.push_back({p->offset, p->offset});
    Bucket& b = buckets_.back();
    b.end = p->offset + p->value.numel();
    ++b.parameters;
    bucket_of_[p->value.node().get()] = buckets_.size() - 1;
  }
}

void GradientBuckets::done(const Node& leaf, std::vector<int>& missing) {
  const auto found = bucket_of_.find(&leaf);
  if (found == bucket_of_.end() || --missing[found->second] > 0) return;
  const Bucket& b = buckets_[found->second];
  communicator_.begin_all_reduce_sum(parameters_.gradients().slice_flat(b.begin, {b.end - b.begin}));
}

void GradientBuckets::backward(const Tensor& loss) {
  parameters_.clear_gradients();
  if (communicator_.size() == 1 || !overlap_) return engine::backward(loss);
  std::vector<int> missing;
  for (const Bucket& b : buckets_) missing.push_back(b.parameters);
  engine::backward(loss, [&](const Node& leaf) { done(leaf, missing); });
  for (std::size_t i = 0; i < missing.size(); ++i)
    require(missing[i] == 0, "gradient buckets: ", missing[i], " parameters of bucket ", i, " of ",
            missing.size(), " have no gradient: the loss does not depend on them");
}

void GradientBuckets::finish() {
  if (!overlap_) communicator_.all_reduce_sum(parameters_.gradients());
  communicator_.finish_all_reduces();
}

}  // namespace engine
