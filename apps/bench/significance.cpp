#include "apps/bench/significance.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "apps/report/median.h"
#include "engine/random.h"

namespace apps {
namespace {

constexpr double kLeast = 1.05;  // a change of the median that is worth a word
constexpr double kFalseAlarms = 0.01;
constexpr int kDraws = 200;

// The chance that of n and m samples of one distribution so many pairs, or more, have the second's larger: by
// the rank sum's normal approximation, which is above the exact one in the tail.
double chance(double n, double m, double pairs) {
  const double deviation = std::sqrt(n * m * (n + m + 1) / 12);
  return std::erfc((pairs - n * m / 2 - 0.5) / deviation / std::sqrt(2.)) / 2;
}

// So many of `from`, ascending, each times `factor`.
std::vector<double> drawn(const std::vector<double>& from, std::size_t count, double factor,
                          engine::Random& random) {
  std::vector<double> some(count);
  for (double& x : some) x = factor * from[random.below(std::uint32_t(from.size()))];
  std::sort(some.begin(), some.end());
  return some;
}

}  // namespace

double chance_allowed(std::size_t figures) { return kFalseAlarms / (2 * double(figures)); }

std::size_t rounds_needed(std::size_t figures) {
  std::size_t n = 1;
  while (chance(double(n), double(n), double(n * n)) > chance_allowed(figures)) ++n;
  return n;
}

// A tie counts for neither, and the deviation is that without ties: both err towards no change.
bool slower(const std::vector<double>& a, const std::vector<double>& b, double allowed) {
  double pairs = 0;
  for (const double x : a) pairs += double(b.end() - std::upper_bound(b.begin(), b.end(), x));
  return median(b) > kLeast * median(a) && chance(double(a.size()), double(b.size()), pairs) <= allowed;
}

double chance_to_find(const std::vector<double>& a, const std::vector<double>& b, double factor,
                      double allowed) {
  std::vector<double> spread;
  for (const auto* build : {&a, &b}) {
    const double middle = median(*build);
    for (const double x : *build) spread.push_back(x / middle);
  }
  engine::Random random(0);
  int found = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto before = drawn(spread, a.size(), 1, random), after = drawn(spread, b.size(), factor, random);
    found += slower(before, after, allowed);
  }
  return double(found) / kDraws;
}

}  // namespace apps
