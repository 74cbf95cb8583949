#include "data/decode/png.h"

#include <spng.h>

#include <cstdlib>
#include <memory>

#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/memory/failed_allocation.h"

namespace data {

std::string png_bytes(const Image& image) {
  engine::require(image.height > 0 && image.width > 0 &&
                      image.pixels.size() == std::size_t(image.height) * std::size_t(image.width) * 3,
                  "png_bytes: ", image.pixels.size(), " bytes for ", image.height, " x ", image.width,
                  " pixels, expected 3 a pixel and at least one pixel");
  const engine::Making making("a PNG image");
  // spng gives several names to a lack of memory, which is all that a valid image in memory can fail by
  const auto check = [&](int status) {
    if (status != 0) throw engine::FailedAllocation(image.pixels.size());
  };
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> png(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  check(png == nullptr);
  check(spng_set_option(png.get(), SPNG_ENCODE_TO_BUFFER, 1));
  spng_ihdr header = {};
  header.width = std::uint32_t(image.width);
  header.height = std::uint32_t(image.height);
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  check(spng_set_ihdr(png.get(), &header));
  check(spng_encode_image(png.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_PNG,
                          SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int status = 0;
  const std::unique_ptr<void, void (*)(void*)> bytes(spng_get_png_buffer(png.get(), &size, &status),
                                                     std::free);
  check(status);
  return {static_cast<const char*>(bytes.get()), size};
}

void write_png(const std::string& path, const Image& image) {
  engine::write_file_atomically(path, png_bytes(image));
}

}  // namespace data
