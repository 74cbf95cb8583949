// Times of repeated runs, and what the machine itself can do, measured in the same program.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/tensor.h"

namespace apps {

struct Times {
  double p5 = 0, p25 = 0, median = 0, p95 = 0;  // seconds
};

// Of times in any order, at least one.
inline Times times_of(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double part) {
    return seconds[std::size_t(std::lround(part * double(seconds.size() - 1)))];
  };
  return {at(0.05), at(0.25), at(0.5), at(0.95)};
}

// Of `repeat` runs after two that warm up, each from an idle device to an idle device.
template <class F>
Times measure_times(engine::Device device, int repeat, F run) {
  std::vector<double> seconds;
  for (int i = 0; i < repeat + 2; ++i) {
    engine::synchronize(device);
    const auto begun = std::chrono::steady_clock::now();
    run();
    engine::synchronize(device);
    if (i >= 2)
      seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  }
  return times_of(seconds);
}

inline nlohmann::ordered_json as_json(const Times& t) {
  return {{"p5", t.p5}, {"p25", t.p25}, {"median", t.median}, {"p95", t.p95}};
}

// What an op is held against: no op is faster than its bytes at the speed of a copy, nor than its FLOPs at
// that of a large matrix product.
struct Ceilings {
  double copy_gb_s = 0, gemm_gflop_s = 0;
};
Ceilings measure_ceilings(engine::Device, engine::DType);

}  // namespace apps
