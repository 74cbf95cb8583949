#include <algorithm>

#include "data/decode/decode_formats.h"

namespace data {

void narrow(const std::vector<std::uint16_t>& samples, std::size_t channels, const DecodeOptions& o,
            Image& into) {
  const std::size_t colours = channels < 3 ? 1 : 3;
  int least = 65535, greatest = 0;
  for (std::size_t i = 0; i < samples.size(); i += channels)
    for (std::size_t c = 0; c < colours; ++c) {
      least = std::min<int>(least, samples[i + c]);
      greatest = std::max<int>(greatest, samples[i + c]);
    }
  into.sixteen_bit = true;
  into.least = least;
  into.greatest = greatest;
  const bool whole = o.sixteen == DecodeOptions::Sixteen::stretch;
  const int low = whole ? least : o.low, high = whole ? greatest : o.high;
  const auto level = [&](int sample) {
    // the range of an image of a single value is empty: it keeps the high byte
    if (o.sixteen == DecodeOptions::Sixteen::high || low >= high) return std::uint8_t(sample >> 8);
    const int span = high - low, above = std::clamp(sample, low, high) - low;
    return std::uint8_t((std::int64_t(above) * 255 + span / 2) / span);
  };
  std::uint8_t* to = into.pixels.data();
  for (std::size_t i = 0; i < samples.size(); i += channels)
    for (std::size_t c = 0; c < 3; ++c) *to++ = level(samples[i + (colours == 3 ? c : 0)]);
}

}  // namespace data
