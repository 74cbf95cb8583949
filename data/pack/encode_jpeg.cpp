// libjpeg's errors end in longjmp, so functions between setjmp and the library have no local variables with
// destructors.
#include "data/pack/encode_jpeg.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
// needs <cstdio> first
#include <jpeglib.h>

#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {

namespace {

struct Encoder {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  std::jmp_buf failed;
  unsigned char* bytes;
  unsigned long size;
};

[[noreturn]] void give_up(jpeg_common_struct* common) {
  std::longjmp(static_cast<Encoder*>(common->client_data)->failed, 1);
}

bool write_pixels(Encoder& e, const std::uint8_t* pixels, int height, int width, int quality) {
  if (setjmp(e.failed)) return false;
  jpeg_create_compress(&e.jpeg);
  jpeg_mem_dest(&e.jpeg, &e.bytes, &e.size);
  e.jpeg.image_height = JDIMENSION(height);
  e.jpeg.image_width = JDIMENSION(width);
  e.jpeg.input_components = 3;
  e.jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&e.jpeg);
  jpeg_set_quality(&e.jpeg, quality, TRUE);
  jpeg_start_compress(&e.jpeg, TRUE);
  while (e.jpeg.next_scanline < e.jpeg.image_height) {
    auto* row = const_cast<JSAMPROW>(pixels + std::size_t(e.jpeg.next_scanline) * std::size_t(width) * 3);
    jpeg_write_scanlines(&e.jpeg, &row, 1);
  }
  jpeg_finish_compress(&e.jpeg);
  return true;
}

}  // namespace

std::vector<std::uint8_t> encode_jpeg_file(const Image& image, int quality) {
  engine::require(quality >= 1 && quality <= 100, "encode_jpeg_file: quality ", quality,
                  ", expected 1 to 100");
  Encoder e = {};
  e.jpeg.err = jpeg_std_error(&e.errors);
  e.jpeg.client_data = &e;
  e.errors.error_exit = give_up;
  const bool written = write_pixels(e, image.pixels.data(), image.height, image.width, quality);
  std::vector<std::uint8_t> file;
  if (written) file.assign(e.bytes, e.bytes + e.size);
  jpeg_destroy_compress(&e.jpeg);
  std::free(e.bytes);
  if (!written) throw engine::FailedAllocation(image.pixels.size());  // nothing else can fail
  return file;
}

}  // namespace data
