// Decodes JPEG with libjpeg-turbo. Its errors end in longjmp, so functions between setjmp and the library
// have no local variables with destructors.
#include <csetjmp>
#include <cstdio>
// these headers need <cstdio> first
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "data/decode/decode_formats.h"
#include "data/decode/shrink.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {

using engine::require_data;

namespace {

struct Decoder {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf failed;
  char message[JMSG_LENGTH_MAX];
  bool no_memory;  // it is not the file's fault
};

Decoder& of(jpeg_common_struct* common) { return *static_cast<Decoder*>(common->client_data); }

[[noreturn]] void fail(jpeg_common_struct* common) {
  if (common->err->msg_code == JERR_OUT_OF_MEMORY) of(common).no_memory = true;
  common->err->format_message(common, of(common).message);
  std::longjmp(of(common).failed, 1);
}

// After a warning libjpeg continues with invented pixels. Only warnings that affect no pixel are ignored.
void on_message(jpeg_common_struct* common, int level) {
  const int code = common->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR && code != JWRN_ADOBE_XFORM)
    fail(common);
}

void on_progress(jpeg_common_struct* common) {
  Decoder& decoder = of(common);
  if (decoder.jpeg.input_scan_number <= max_scans) return;
  std::snprintf(decoder.message, sizeof decoder.message, "more than %d scans", max_scans);
  std::longjmp(decoder.failed, 1);
}

bool read_header(Decoder& d, const std::uint8_t* bytes, std::size_t size) {
  if (setjmp(d.failed)) return false;
  jpeg_create_decompress(&d.jpeg);
  d.jpeg.progress = &d.progress;
  jpeg_mem_src(&d.jpeg, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(&d.jpeg, TRUE);
  return true;
}

void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x) {
    // stored inverted (255 is no ink), the convention of Adobe's programs
    const int k = cmyk[4 * x + 3];
    for (int c = 0; c < 3; ++c) rgb[3 * x + c] = level_of_ink(255 - cmyk[4 * x + c], k);
  }
}

// `pixels` are those of the image divided by `factor`: 1, 2, 4 or 8.
bool read_pixels(Decoder& d, int factor, std::uint8_t* pixels, std::uint8_t* cmyk_row) {
  if (setjmp(d.failed)) return false;
  const bool cmyk = d.jpeg.num_components == 4;
  d.jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  d.jpeg.scale_num = 1;
  d.jpeg.scale_denom = unsigned(factor);
  jpeg_start_decompress(&d.jpeg);
  while (d.jpeg.output_scanline < d.jpeg.output_height) {
    std::uint8_t* row = pixels + std::size_t(d.jpeg.output_scanline) * d.jpeg.output_width * 3;
    JSAMPROW to = cmyk ? cmyk_row : row;
    jpeg_read_scanlines(&d.jpeg, &to, 1);
    if (cmyk) cmyk_to_rgb(cmyk_row, row, int(d.jpeg.output_width));
  }
  jpeg_finish_decompress(&d.jpeg);
  return true;
}

// As libjpeg rounds the sides of an image that it scales.
int divided(unsigned side, int factor) { return (int(side) + factor - 1) / factor; }

// An upper bound on the pixels in `size` bytes. Huffman coding spends at least one bit on each block, and the
// finest component has at least one block per 256 pixels (8 x 8, subsampled four times in one direction).
// Arithmetic coding has no such bound, but only an image without content gets smaller: photographs take
// dozens of times as much.
std::uint64_t most_pixels(std::size_t size) { return std::uint64_t(size) * 8 * 256; }

}  // namespace

void decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions& o,
                 Image& into) {
  Decoder d = {};
  d.jpeg.err = jpeg_std_error(&d.errors);
  d.jpeg.client_data = &d;
  d.errors.error_exit = fail;
  d.errors.emit_message = on_message;
  d.progress.progress_monitor = on_progress;
  struct Destroy {
    jpeg_decompress_struct& jpeg;
    ~Destroy() { jpeg_destroy_decompress(&jpeg); }
  } destroy{d.jpeg};

  const bool header = read_header(d, bytes, size);
  if (d.no_memory) throw engine::FailedAllocation(size);
  require_data(header, name, ": JPEG header: ", d.message, ", expected a whole JPEG file");
  check_size(d.jpeg.image_height, d.jpeg.image_width, name, most_pixels(size));
  const int factor = shrink_factor(int(d.jpeg.image_height), int(d.jpeg.image_width), o.shrink);
  resize(into, divided(d.jpeg.image_height, factor), divided(d.jpeg.image_width, factor));
  std::vector<std::uint8_t> cmyk_row(d.jpeg.num_components == 4 ? std::size_t(into.width) * 4 : 0);
  const bool whole = read_pixels(d, factor, into.pixels.data(), cmyk_row.data());
  if (d.no_memory) throw engine::FailedAllocation(into.pixels.size());
  require_data(whole, name, ": JPEG of ", with_commas(size), " bytes: ", d.message,
               ", expected a whole JPEG file");
}

}  // namespace data
