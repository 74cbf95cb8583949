#include "apps/watching/trend.h"

#include <cmath>

namespace apps {
namespace {

// The statistic of Mann and Kendall for the values from `first` on, as a standard normal deviate.
double mann_kendall(const std::vector<double>& values, std::size_t first) {
  long rises_less_falls = 0;
  for (std::size_t i = first; i < values.size(); ++i)
    for (std::size_t j = i + 1; j < values.size(); ++j)
      rises_less_falls += (values[j] > values[i]) - (values[j] < values[i]);
  const auto n = double(values.size() - first);
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  if (rises_less_falls == 0 || deviation == 0) return 0;
  return (double(rises_less_falls) - (rises_less_falls > 0 ? 1 : -1)) / deviation;
}

}  // namespace

void Trend::add(double value) {
  ++count_;
  sum_ += value;
  if (++in_block_ < length_) return;
  means_.push_back(sum_ / double(length_));
  sum_ = 0;
  in_block_ = 0;
  if (means_.size() < kBlocks) return;
  for (std::size_t i = 0; i < kBlocks / 2; ++i) means_[i] = (means_[2 * i] + means_[2 * i + 1]) / 2;
  means_.resize(kBlocks / 2);
  length_ *= 2;
}

bool Trend::falls() const {
  constexpr double kOnePercent = -2.326;  // of a standard normal distribution
  return mann_kendall(means_, 0) < kOnePercent || mann_kendall(means_, means_.size() / 2) < kOnePercent;
}

}  // namespace apps
