#include "data/decode/tiff_pixels.h"

#include <algorithm>
#include <cstring>

#include "data/decode/decode_formats.h"
#include "engine/error.h"

namespace data {

using engine::concat_text;

namespace {

constexpr int white_is_zero = 0, black_is_zero = 1, rgb_samples = 2, palette_index = 3, cmyk_samples = 5;
constexpr int most_samples = 6;  // of a pixel, as in Pillow

// alpha 0 leaves no colour
std::uint8_t divided_by_alpha(int level, int alpha) {
  return std::uint8_t(alpha == 0 ? 0 : std::min(255, level * 255 / alpha));
}

std::uint16_t sample16(const std::uint8_t* at) {
  std::uint16_t value;
  std::memcpy(&value, at, 2);
  return value;
}

}  // namespace

std::string TiffPixels::wrong() const {
  const bool grey = photometric == white_is_zero || photometric == black_is_zero;
  if (!grey && photometric != rgb_samples && photometric != palette_index && photometric != cmyk_samples)
    return concat_text("pixels of kind ", photometric,
                       ", expected grey (0, 1), RGB (2), a palette (3), CMYK (5) or YCbCr in JPEG (6)");
  const bool few_bits = bits == 1 || bits == 2 || bits == 4;
  if (!few_bits && bits != 8 && (bits != 16 || photometric == palette_index))
    return concat_text(bits, " bits a sample, expected 1, 2, 4, 8",
                       photometric == palette_index ? " of a palette" : " or 16");
  if (samples < colours() || samples > most_samples)
    return concat_text(samples, " samples a pixel, expected ", colours(), " to ", most_samples);
  if (few_bits && samples > 1)
    return concat_text(samples, " samples of ", bits, " bits a pixel, expected 8 or 16 bits");
  return "";
}

std::size_t TiffPixels::colours() const {
  return photometric == rgb_samples ? 3 : photometric == cmyk_samples ? 4 : 1;
}

bool TiffPixels::keeps_sixteen() const { return bits == 16 && photometric != cmyk_samples; }

void TiffPixels::to_rgb(const std::uint8_t* row, std::size_t count, std::uint8_t* rgb) const {
  const int most = (1 << std::min(bits, 8)) - 1;
  const auto sample = [&](std::size_t i) -> int {
    if (bits == 8) return row[i];
    if (bits == 16) return sample16(row + 2 * i) >> 8;
    const std::size_t bit = i * std::size_t(bits);
    return row[bit / 8] >> (8 - std::size_t(bits) - bit % 8) & most;
  };
  for (std::size_t x = 0; x < count; ++x, rgb += 3) {
    const std::size_t first = x * samples;
    if (photometric == palette_index) {
      std::memcpy(rgb, &palette[std::size_t(sample(first)) * 3], 3);
    } else if (photometric == cmyk_samples) {
      const int paper = 255 - sample(first + 3);
      for (std::size_t c = 0; c < 3; ++c) rgb[c] = level_of_ink(sample(first + c), paper);
    } else {
      for (std::size_t c = 0; c < 3; ++c) {
        const int level = sample(first + std::min(c, colours() - 1)) * 255 / most;
        rgb[c] = std::uint8_t(photometric == white_is_zero ? 255 - level : level);
        if (premultiplied) rgb[c] = divided_by_alpha(rgb[c], sample(first + colours()));
      }
    }
  }
}

void TiffPixels::copy_sixteen(const std::uint8_t* row, std::size_t count, std::uint16_t* to) const {
  for (std::size_t x = 0; x < count; ++x)
    for (std::size_t c = 0; c < colours(); ++c) {
      const std::uint8_t* pixel = row + 2 * x * samples;
      std::uint32_t level = sample16(pixel + 2 * c);
      if (photometric == white_is_zero) level = 65535 - level;
      if (const std::uint32_t alpha = premultiplied ? sample16(pixel + 2 * colours()) : 65535; alpha != 65535)
        level = alpha == 0 ? 0 : std::min<std::uint32_t>(65535, std::uint64_t(level) * 65535 / alpha);
      *to++ = std::uint16_t(level);
    }
}

const std::uint8_t* TiffPixels::interleaved(const std::uint8_t* row, std::size_t plane, std::size_t count,
                                            std::vector<std::uint8_t>& memory) const {
  const std::size_t bytes = std::size_t(bits) / 8;  // several samples have whole bytes
  memory.resize(count * samples * bytes);
  for (std::size_t s = 0; s < samples; ++s)
    for (std::size_t x = 0; x < count; ++x)
      std::memcpy(&memory[(x * samples + s) * bytes], row + s * plane + x * bytes, bytes);
  return memory.data();
}

}  // namespace data
