// The middle of some numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace apps {

// Of an even number of values the upper of the two in the middle; NaN of none.
inline double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace apps
