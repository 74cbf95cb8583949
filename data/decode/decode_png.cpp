// Decodes PNG with libspng.
#include <spng.h>

#include <memory>

#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {

using engine::require_data;

namespace {

constexpr std::size_t chunk_limit = 64 << 20;  // limit of one text or profile chunk, and of all together

void check(int status, const std::string& name, std::size_t size) {
  if (status == SPNG_EMEM || status == SPNG_EZLIB_INIT)
    throw engine::FailedAllocation(size);  // it is not the file's fault
  require_data(status == 0, name, ": PNG of ", with_commas(size), " bytes: ", spng_strerror(status),
               ", expected a whole PNG file");
}

std::size_t samples_of(const spng_ihdr& header) {  // of a pixel
  return header.color_type == SPNG_COLOR_TYPE_TRUECOLOR         ? 3
         : header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ? 4
         : header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ? 2
                                                                : 1;
}

// one byte of deflate expands to at most 1,032 bytes
std::uint64_t most_pixels(const spng_ihdr& header, std::size_t size) {
  return std::uint64_t(size) * 1032 * 8 / (samples_of(header) * header.bit_depth);
}

void decode_sixteen(spng_ctx* png, const spng_ihdr& header, const std::string& name, std::size_t size,
                    const DecodeOptions& o, Image& into) {
  const std::size_t channels = samples_of(header);
  std::vector<std::uint16_t> samples(into.pixels.size() / 3 * channels);
  check(spng_decode_image(png, samples.data(), samples.size() * 2, SPNG_FMT_PNG, 0), name, size);
  narrow(samples, channels, o, into);
}

}  // namespace

void decode_png(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions& o,
                Image& into) {
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> png(spng_ctx_new(0), spng_ctx_free);
  if (png == nullptr) throw engine::FailedAllocation(size);
  spng_set_chunk_limits(png.get(), chunk_limit, chunk_limit);
  spng_set_png_buffer(png.get(), bytes, size);
  spng_ihdr header = {};
  check(spng_get_ihdr(png.get(), &header), name, size);
  set_size(into, header.height, header.width, name, most_pixels(header, size));
  if (header.bit_depth == 16)
    decode_sixteen(png.get(), header, name, size, o, into);
  else
    check(spng_decode_image(png.get(), into.pixels.data(), into.pixels.size(), SPNG_FMT_RGB8, 0), name, size);
  check(spng_decode_chunks(png.get()), name, size);  // reads to the end, so that a truncated file is refused
  spng_exif exif = {};
  if (spng_get_exif(png.get(), &exif) == 0)
    into.orientation = tiff_orientation(reinterpret_cast<const std::uint8_t*>(exif.data), exif.length);
}

}  // namespace data
