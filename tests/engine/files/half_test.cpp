// Half precision: every value there and back, and rounding where floats lie between two halves.
#include "engine/files/half.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using engine::from_half;
using engine::to_half;

TEST_CASE("half: each of the 65,536 values is a float and comes back") {
  int wrong = 0;
  for (int i = 0; i < 65536; ++i) {
    const auto half = std::uint16_t(i);
    const int exponent = (i >> 10 & 31), fraction = i & 1023;
    const float value = from_half(half);
    if (exponent == 31 && fraction != 0) {
      wrong += !std::isnan(value) || !std::isnan(from_half(to_half(value)));
      continue;
    }
    double expected = exponent == 31  ? std::numeric_limits<double>::infinity()
                      : exponent == 0 ? std::ldexp(double(fraction), -24)
                                      : std::ldexp(1 + fraction / 1024.0, exponent - 15);
    if (i & 0x8000) expected = -expected;
    wrong += double(value) != expected || std::signbit(value) != bool(i & 0x8000) || to_half(value) != half;
  }
  CHECK(wrong == 0);
}

TEST_CASE("half: a float between two is rounded to the nearer, or to the even one") {
  int wrong = 0;
  for (int i = 0; i < 0x7bff; ++i) {  // each pair of finite neighbours
    const float low = from_half(std::uint16_t(i)), high = from_half(std::uint16_t(i + 1));
    const float middle = low + (high - low) / 2;  // exact
    wrong += to_half(middle) != (i % 2 == 0 ? i : i + 1);
    wrong += to_half(std::nextafter(middle, 0.0f)) != i;
    wrong += to_half(std::nextafter(middle, 1e9f)) != i + 1;
    wrong += to_half(-middle) != ((i % 2 == 0 ? i : i + 1) | 0x8000);
  }
  CHECK(wrong == 0);
  CHECK(to_half(65519.99f) == 0x7bff);
  CHECK(to_half(65520.0f) == 0x7c00);
  CHECK(to_half(1e-10f) == 0);
}
