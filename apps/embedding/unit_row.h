// Features as unit vectors: their products are cosines.
#pragma once

#include <cmath>
#include <cstdint>

namespace apps {

// Divides a row of `width` values by its length, summed in f64. Returns the length; a row whose length is 0
// or not finite has no direction, and stays as it is.
inline double make_unit(float* row, std::int64_t width) {
  double square = 0;
  for (std::int64_t d = 0; d < width; ++d) square += double(row[d]) * double(row[d]);
  const double length = std::sqrt(square);
  if (std::isfinite(length) && length > 0)
    for (std::int64_t d = 0; d < width; ++d) row[d] = float(double(row[d]) / length);
  return length;
}

}  // namespace apps
