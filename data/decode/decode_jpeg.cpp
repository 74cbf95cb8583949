// Decodes JPEG with libjpeg-turbo. Its errors end in longjmp, so functions between setjmp and the library
// have no local variables with destructors.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
// these headers need <cstdio> first
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include "data/decode/cut.h"
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

// Whether a part has the pixels that the whole image has there. Not so with subsampling by more than 2, where
// libjpeg-turbo 2.1 upsamples a scaled part otherwise, nor of a progressive file that lacks scans, where
// libjpeg guesses the missing frequencies from blocks further away.
bool same_in_part(const jpeg_decompress_struct& jpeg) {
  if (jpeg.max_h_samp_factor > 2 || jpeg.max_v_samp_factor > 2) return false;
  if (!jpeg.progressive_mode || jpeg.coef_bits == nullptr) return true;
  for (int c = 0; c < jpeg.num_components; ++c)
    for (int k = 0; k < DCTSIZE2; ++k)
      if (jpeg.coef_bits[c][k] != 0) return false;
  return true;
}

// Reads the box of the image divided by `factor`: 1, 2, 4 or 8. row: memory for a row of the image with all
// its components. Rows outside the box go through entropy decoding only, so that damage in them is noticed.
bool read_pixels(Decoder& d, int factor, const Box& box, std::uint8_t* pixels, std::uint8_t* row) {
  if (setjmp(d.failed)) return false;
  jpeg_decompress_struct& jpeg = d.jpeg;
  const bool cmyk = jpeg.num_components == 4;
  jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  jpeg.scale_num = 1;
  jpeg.scale_denom = unsigned(factor);
  jpeg_start_decompress(&jpeg);

  const auto top = JDIMENSION(box.top), bottom = JDIMENSION(box.top + box.height);
  JDIMENSION left = 0, columns = jpeg.output_width;
  const bool skips = same_in_part(jpeg);
  if (skips) {
    constexpr int margin = 2;  // upsampling of a pixel's colour reads the neighbouring samples
    left = JDIMENSION(std::max(0, box.left - margin));
    columns = std::min(jpeg.output_width, JDIMENSION(box.left + box.width + margin)) - left;
    jpeg_crop_scanline(&jpeg, &left, &columns);  // moves `left` to a block's begin
    if (top > 0) jpeg_skip_scanlines(&jpeg, top);
  }
  const std::size_t from = std::size_t(box.left) - left;
  while (jpeg.output_scanline < jpeg.output_height) {
    const JDIMENSION y = jpeg.output_scanline, last = jpeg.output_height - 1;
    if (skips && y >= bottom && y < last) {
      jpeg_skip_scanlines(&jpeg, last - y);
      continue;
    }
    const bool wanted = y >= top && y < bottom;
    std::uint8_t* to = wanted ? pixels + std::size_t(y - top) * std::size_t(box.width) * 3 : row;
    JSAMPROW read = wanted && !cmyk && columns == JDIMENSION(box.width) ? to : row;
    jpeg_read_scanlines(&jpeg, &read, 1);
    if (!wanted || read == to) continue;
    if (cmyk)
      cmyk_to_rgb(row + 4 * from, to, box.width);
    else
      std::memcpy(to, row + 3 * from, std::size_t(box.width) * 3);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

// An upper bound on the pixels in `size` bytes. Huffman coding spends at least one bit on each block, and the
// finest component has at least one block per 256 pixels (8 x 8, subsampled four times in one direction).
// Arithmetic coding has no such bound, but only an image without content gets smaller: photographs take
// dozens of times as much.
std::uint64_t most_pixels(std::size_t size) { return std::uint64_t(size) * 8 * 256; }

}  // namespace

void decode_jpeg(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions& o,
                 Image& into, const ChoosePart& needed) {
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
  int factor = shrink_factor(int(d.jpeg.image_height), int(d.jpeg.image_width), o.shrink);
  const int height = divided(int(d.jpeg.image_height), factor),
            width = divided(int(d.jpeg.image_width), factor);
  Box box{0, 0, height, width};
  into.source.reset();
  if (needed) {
    const Part part = checked_part(needed, height, width);
    const int scale = std::min(part.scale, 8 / factor);
    factor *= scale;
    box.top = part.box.top / scale, box.left = part.box.left / scale;
    box.height = divided(part.box.top + part.box.height, scale) - box.top;
    box.width = divided(part.box.left + part.box.width, scale) - box.left;
    into.source = Source{height, width, box.top, box.left, scale};
  }
  resize(into, box.height, box.width);
  // A row at an odd address: aligned ones libjpeg-turbo writes past the caches, and the copy waits for
  // memory.
  std::vector<std::uint8_t> row(std::size_t(width) * 4 + 1);
  const bool whole = read_pixels(d, factor, box, into.pixels.data(), row.data() + 1);
  if (d.no_memory) throw engine::FailedAllocation(into.pixels.size());
  require_data(whole, name, ": JPEG of ", with_commas(size), " bytes: ", d.message,
               ", expected a whole JPEG file");
}

}  // namespace data
