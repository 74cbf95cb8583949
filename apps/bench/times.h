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
  double interrupted = 0;                       // the part of the runs in which another program had a core
};

// Of times in any order, at least one.
inline Times times_of(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double part) {
    return seconds[std::size_t(std::lround(part * double(seconds.size() - 1)))];
  };
  return {.p5 = at(0.05), .p25 = at(0.25), .median = at(0.5), .p95 = at(0.95)};
}

// Seconds of `runs` runs in a row, from an idle device to an idle device.
template <class F>
double seconds_of(engine::Device device, int runs, F run) {
  engine::synchronize(device);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i) run();
  engine::synchronize(device);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

long interruptions();  // how often the system has taken a core from this program

// Of `repeat` runs or more after two that warm up. On a CPU they take 15 ms a run that was asked for, so that
// no short disturbance is in all of them; and a run that was interrupted is made again, until a second is
// lost or nine times as many. On a GPU one of them is the mean of as many as take 2 ms, at most 100: what a
// launch and a wait take would else be most of a small op's time.
template <class F, class Count = long (*)()>
Times measure_times(engine::Device device, int repeat, F run, Count count = interruptions) {
  using Clock = std::chrono::steady_clock;
  const bool gpu = device.backend == engine::Backend::cuda;
  seconds_of(device, 1, run);
  const double warm = seconds_of(device, 1, run);
  const int runs = gpu ? std::clamp(int(std::ceil(2e-3 / warm)), 1, 100) : 1;
  const auto wanted = std::size_t(repeat);
  const auto end = Clock::now() + std::chrono::milliseconds(gpu ? 0 : 15 * repeat);
  std::vector<double> whole, broken;
  for (double lost = 0; whole.size() < wanted || Clock::now() < end;) {
    if (whole.size() + broken.size() >= wanted && (lost > 1 || broken.size() >= 9 * wanted)) break;
    const long before = count();
    const double seconds = seconds_of(device, runs, run);
    const bool interrupted = count() != before;
    (interrupted ? broken : whole).push_back(seconds / runs);
    if (interrupted) lost += seconds;
  }
  const std::size_t filled = wanted - std::min(wanted, whole.size());
  whole.insert(whole.end(), broken.begin(), broken.begin() + std::ptrdiff_t(filled));
  Times times = times_of(std::move(whole));
  times.interrupted = double(filled) / repeat;
  return times;
}

// Whether what ran beside it may be in the figures.
inline bool noisy(const Times& t) { return t.p95 > 1.5 * t.p5 || t.interrupted > 0.5; }

// Of the same runs at several times, at least one: the median of each figure.
Times middle(const std::vector<Times>& rounds);

// The middle's figures, and those of each round.
nlohmann::ordered_json as_json(const std::vector<Times>& rounds);

// What an op is held against: no op is faster than its bytes at the speed of a copy, nor than its FLOPs at
// that of a matrix product.
struct Ceilings {
  double copy_gb_s = 0, gemm_gflop_s = 0;
};
Ceilings measure_ceilings(engine::Device, engine::DType);

// Whether the machine has become slower than it was: it is too hot, or has other work.
inline bool throttled(const Ceilings& before, const Ceilings& after) {
  return after.copy_gb_s < 0.9 * before.copy_gb_s || after.gemm_gflop_s < 0.9 * before.gemm_gflop_s;
}

std::size_t cache_bytes(engine::Device);  // of the largest

}  // namespace apps
