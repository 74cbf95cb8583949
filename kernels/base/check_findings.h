// What launches on the host have met that no error says by itself. A check clears it, runs an op, and looks.
#pragma once

#include <atomic>
#include <cstdint>

namespace kernels {

struct CheckFindings {
  // Float atomicAdds that changed a value: their number, and the sum of u |addend|, u the unit roundoff of
  // the type. In another order the sums of n addends differ by at most 2 (n - 1) u sum |addend| (Higham,
  // Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2).
  std::atomic<std::uint64_t> float_adds{0};
  std::atomic<double> rounding{0};

  // CheckOptions::strict_lanes = false: where a shuffle first read a lane that took no part; "" if none has
  std::atomic<bool> undefined_lane{false};
  char undefined_lane_place[256] = "";

  void clear() {
    float_adds = 0;
    rounding = 0;
    undefined_lane = false;
  }
};

CheckFindings& check_findings();

}  // namespace kernels
