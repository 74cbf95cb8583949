// f32 to f16: every f16, and every middle of two.
#include "apps/export/f16.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/onnx_interpreter.h"

TEST_CASE("f16: the nearest, ties to even") {
  long wrong = 0;
  for (std::uint32_t b = 0; b < 0x7c00; ++b) {
    const auto bits = std::uint16_t(b), next = std::uint16_t(b + 1);
    const double value = f16_value(bits), above = b + 1 == 0x7c00 ? 65536 : f16_value(next);
    const auto middle = float((value + above) / 2);
    const std::uint16_t even = (b & 1) == 0 ? bits : next;
    wrong += apps::f16_bits(float(value)) != bits || apps::f16_bits(-float(value)) != (bits | 0x8000);
    wrong += apps::f16_bits(middle) != even || apps::f16_bits(std::nextafter(middle, 0.F)) != bits ||
             apps::f16_bits(std::nextafter(middle, 1e9F)) != next;
  }
  CHECK(wrong == 0);
  CHECK(apps::f16_bits(INFINITY) == 0x7c00);
  CHECK(apps::f16_bits(-1e30F) == 0xfc00);
  CHECK(apps::f16_bits(1e-30F) == 0);
  CHECK((apps::f16_bits(NAN) & 0x7fff) > 0x7c00);
}
