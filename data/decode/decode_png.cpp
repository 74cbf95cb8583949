// Decodes PNG with libspng.
#include <spng.h>

#include <memory>

#include "data/decode/decode_formats.h"
#include "engine/error.h"

namespace data {

using engine::require_data;

namespace {

constexpr std::size_t chunk_limit = 64 << 20;  // limit of one text or profile chunk, and of all together

void check(int status, const std::string& name, std::size_t size) {
  require_data(status == 0, name, ": PNG of ", with_commas(size), " bytes: ", spng_strerror(status),
               ", expected a whole PNG file");
}

// one byte of deflate expands to at most 1,032 bytes
std::uint64_t most_pixels(const spng_ihdr& header, std::size_t size) {
  const std::uint64_t samples = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR         ? 3
                                : header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ? 4
                                : header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? 2
                                                                                       : 1;
  return std::uint64_t(size) * 1032 * 8 / (samples * header.bit_depth);
}

}  // namespace

void decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into) {
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> png(spng_ctx_new(0), spng_ctx_free);
  require_data(png != nullptr, name, ": out of memory");
  spng_set_chunk_limits(png.get(), chunk_limit, chunk_limit);
  spng_set_png_buffer(png.get(), bytes, size);
  spng_ihdr header = {};
  check(spng_get_ihdr(png.get(), &header), name, size);
  set_size(into, header.height, header.width, name, most_pixels(header, size));
  check(spng_decode_image(png.get(), into.pixels.data(), into.pixels.size(), SPNG_FMT_RGB8, 0), name, size);
  check(spng_decode_chunks(png.get()), name, size);  // reads to the end, so that a truncated file is refused
}

}  // namespace data
