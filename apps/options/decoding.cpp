#include "apps/options/decoding.h"

#include <charconv>

#include "engine/error.h"

namespace apps {

Fields decoding_fields(DecodingOptions& o) {
  return {
      {.name = "sixteen-bit",
       .value = &o.sixteen_bit,
       .help =
           "What becomes of 16-bit PNGs: their high byte (high), each image's own range spread over 8 bits "
           "(stretch), or a range given as LOW:HIGH",
       .offered = {"high", "stretch"},
       .resume = Resume::reported,
       .absent = DecodingOptions().sixteen_bit},
      {.name = "exif",
       .value = &o.exif,
       .help = "Turn images by their EXIF orientation, or ignore it as torchvision does",
       .choices = {"ignore", "apply"},
       .resume = Resume::reported,
       .absent = DecodingOptions().exif},
      {.name = "shrink",
       .value = &o.shrink,
       .help =
           "Decode larger images at 1/2, 1/4 or 1/8 of their size, as long as the shorter side keeps this "
           "many pixels; 0: always whole",
       .low = 0,
       .high = 16384,
       .resume = Resume::reported,
       .absent = "0"}};
}

data::DecodeOptions decode_options(const DecodingOptions& o) {
  using Sixteen = data::DecodeOptions::Sixteen;
  data::DecodeOptions d;
  d.apply_exif = o.exif == "apply";
  d.shrink = o.shrink;
  if (o.sixteen_bit == "high") return d;
  d.sixteen = o.sixteen_bit == "stretch" ? Sixteen::stretch : Sixteen::range;
  if (d.sixteen == Sixteen::stretch) return d;
  const char *text = o.sixteen_bit.data(), *end = text + o.sixteen_bit.size();
  const auto low = std::from_chars(text, end, d.low);
  const bool colon = low.ec == std::errc() && low.ptr != end && *low.ptr == ':';
  const auto high = std::from_chars(colon ? low.ptr + 1 : end, end, d.high);
  if (!colon || high.ec != std::errc() || high.ptr != end || d.low < 0 || d.high > 65535 || d.low >= d.high)
    throw engine::UsageError("--sixteen-bit is \"" + o.sixteen_bit +
                             "\", expected high, stretch or LOW:HIGH, as 0:4095, within 0:65535");
  return d;
}

}  // namespace apps
