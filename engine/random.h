// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011). A draw is a pure function of (key,
// counter), so it does not depend on order, threads, ranks or device.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

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

// A random order of the values: every order is as likely (Fisher-Yates, from the last place down).
template <class Values>
void shuffle(Values& values, Random& random) {
  for (std::size_t i = std::size(values); i > 1; --i)
    std::swap(values[i - 1], values[random.below(std::uint32_t(i))]);
}

// Makes the first `count` places a random sample of the values, without replacement: Fisher-Yates from the
// first place up, ended early. Its draws are others than those of shuffle().
template <class Values>
void sample_to_front(Values& values, std::size_t count, Random& random) {
  for (std::size_t i = 0; i < count; ++i)
    std::swap(values[i], values[i + random.below(std::uint32_t(std::size(values) - i))]);
}

}  // namespace engine
