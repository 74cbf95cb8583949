// A figure of several runs that differ by their seed.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace apps {

struct Figure {
  double mean = std::nan("");
  double sd = std::nan("");  // with n - 1; NaN of fewer than two
  std::size_t n = 0;
};

inline Figure figure_of(const std::vector<double>& values) {
  Figure f{.n = values.size()};
  if (f.n == 0) return f;
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  f.mean = sum / double(f.n);
  for (const double v : values) squares += (v - f.mean) * (v - f.mean);
  if (f.n > 1) f.sd = std::sqrt(squares / double(f.n - 1));
  return f;
}

}  // namespace apps
