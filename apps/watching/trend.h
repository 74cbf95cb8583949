// Whether a noisy series falls.
#pragma once

#include <cstddef>
#include <vector>

namespace apps {

// Keeps the means of at most 64 blocks of equal length, from which it judges by the Mann-Kendall test: the
// number of pairs in which the later mean is smaller, beside what chance would give. The test needs no model
// of the curve or of the noise.
class Trend {
 public:
  void add(double value);
  long count() const { return count_; }
  // At a significance of 1 %: over the whole series, or over its later half, because a loss may rise before
  // it falls.
  bool falls() const;

 private:
  static constexpr std::size_t kBlocks = 64;
  std::vector<double> means_;
  long count_ = 0, length_ = 1, in_block_ = 0;
  double sum_ = 0;
};

}  // namespace apps
