// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011). A draw is a pure function of (key,
// counter), so it does not depend on order, threads, ranks or device.
#pragma once

#include <array>
#include <cstdint>

namespace engine {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// A stream of draws named by (seed, a, b, c): for example (seed, epoch, sample, view).
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint32_t a = 0, std::uint32_t b = 0, std::uint32_t c = 0)
      : key_{std::uint32_t(seed), std::uint32_t(seed >> 32)}, counter_{0, a, b, c} {}

  std::uint32_t bits();
  double uniform();                         // [0, 1), 32 bits
  double uniform(double low, double high);  // [low, high)
  double normal();                          // Box-Muller
  std::uint32_t below(std::uint32_t n);     // 0 .. n-1, unbiased

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace engine
