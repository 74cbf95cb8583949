// Floats as sums of bf16 numbers.
#include "kernels/tiles/bf16_parts.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>

namespace {

using V = kernels::Vector<float, 4>;

// Part i of x as a float; the lower half of its bits does not belong to it.
template <int PARTS>
float part_of(float x, int i) {
  kernels::PartBits<V> parts[PARTS];
  kernels::split(V{} + x, parts);
  return std::bit_cast<float>(std::uint32_t(parts[i][0]) & 0xffff0000u);
}

}  // namespace

TEST_CASE("bf16 parts: three are exact, and their six products have the precision of f32") {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto any = [&] {
      const auto exponent = std::uint32_t(127 - 30 + int(random() % 60));
      return std::bit_cast<float>((std::uint32_t(random()) & 0x807fffffu) | exponent << 23);
    };
    const float x = any(), y = any();
    const double x0 = part_of<3>(x, 0), x1 = part_of<3>(x, 1), x2 = part_of<3>(x, 2);
    const double y0 = part_of<3>(y, 0), y1 = part_of<3>(y, 1), y2 = part_of<3>(y, 2);
    CHECK(x0 + x1 + x2 == double(x));
    const double six = x0 * y0 + x0 * y1 + x1 * y0 + x1 * y1 + x0 * y2 + x2 * y0, exact = double(x) * y;
    CHECK(std::abs(six - exact) <= std::ldexp(std::abs(exact), -24));
    const double a0 = part_of<2>(x, 0), a1 = part_of<2>(x, 1), b0 = part_of<2>(y, 0), b1 = part_of<2>(y, 1);
    CHECK(std::abs(a0 * b0 + a0 * b1 + a1 * b0 - exact) <= std::ldexp(std::abs(exact), -14));
  }
}

TEST_CASE("bf16 parts: NaN of any bits stays NaN") {
  for (const std::uint32_t bits : {0x7fc00000u, 0xffffffffu, 0x7fffffffu, 0x7f800001u}) {
    CAPTURE(bits);
    const float nan = std::bit_cast<float>(bits);
    CHECK(std::isnan(part_of<3>(nan, 0) + part_of<3>(nan, 1) + part_of<3>(nan, 2)));
  }
}

TEST_CASE("bf16 parts: pairs hold two floats' upper halves, the first one low") {
  kernels::PartBits<V> a{0x11112222u, 1, 2, 3}, b{0x33334444u, 4, 5, 6};
  CHECK(kernels::pair_halves(a, b)[0] == 0x33331111u);
}
