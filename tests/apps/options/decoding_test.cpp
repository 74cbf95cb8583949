// --sixteen-bit, --exif and --shrink.
#include "apps/options/decoding.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "tests/support/scratch.h"

using Sixteen = data::DecodeOptions::Sixteen;

TEST_CASE("--sixteen-bit: words and ranges") {
  const auto of = [](const std::string& text) {
    apps::DecodingOptions o;
    o.sixteen_bit = text;
    return apps::decode_options(o);
  };
  CHECK(of("high").sixteen == Sixteen::high);
  CHECK(of("stretch").sixteen == Sixteen::stretch);
  const data::DecodeOptions range = of("16:4095");
  CHECK(range.sixteen == Sixteen::range);
  CHECK(range.low == 16);
  CHECK(range.high == 4095);
  apps::DecodingOptions o;
  CHECK_FALSE(apps::decode_options(o).apply_exif);
  CHECK(apps::decode_options(o).shrink == 0);
  o.exif = "apply", o.shrink = 448;
  CHECK(apps::decode_options(o).apply_exif);
  CHECK(apps::decode_options(o).shrink == 448);
  for (const char* wrong :
       {"", "low", "4095", "0:", ":4095", "4095:0", "5:5", "-1:5", "0:65536", "0:1x", "0-9"}) {
    CAPTURE(wrong);
    CHECK(message_of<engine::UsageError>([&] { of(wrong); }) ==
          std::string("--sixteen-bit is \"") + wrong +
              "\", expected high, stretch or LOW:HIGH, as 0:4095, within 0:65535");
  }
}
