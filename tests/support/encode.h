// Encodes small JPEG and PNG files with the libraries whose decoders are tested.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

// needs <cstdio> first
#include <jpeglib.h>
#include <spng.h>

struct JpegOptions {
  J_COLOR_SPACE input = JCS_RGB, stored = JCS_YCbCr;
  bool progressive = false;
  bool one_scan_a_component = false;
  bool arithmetic = false;   // arithmetic instead of Huffman coding
  int across = 1, down = 1;  // samples of the first component for one of the others: 2, 2 is 4:2:0
  int restart_rows = 0;      // rows of blocks between restart markers
};

// pixels: height * width * channels of `input`. Quality 100: within 3 of the input without subsampling.
inline std::string encode_jpeg(int height, int width, std::vector<std::uint8_t> pixels,
                               const JpegOptions& o = {}) {
  jpeg_compress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_height = JDIMENSION(height);
  jpeg.image_width = JDIMENSION(width);
  jpeg.input_components = int(pixels.size()) / (height * width);
  jpeg.in_color_space = o.input;
  jpeg_set_defaults(&jpeg);
  jpeg_set_colorspace(&jpeg, o.stored);
  jpeg_set_quality(&jpeg, 100, TRUE);
  for (int c = 0; c < jpeg.num_components; ++c)
    jpeg.comp_info[c].h_samp_factor = jpeg.comp_info[c].v_samp_factor = 1;
  jpeg.comp_info[0].h_samp_factor = o.across;
  jpeg.comp_info[0].v_samp_factor = o.down;
  jpeg.restart_in_rows = o.restart_rows;
  static const jpeg_scan_info scans[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
  if (o.one_scan_a_component) {
    jpeg.scan_info = scans;
    jpeg.num_scans = 3;
  }
  jpeg.arith_code = o.arithmetic;
  if (o.progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW row =
        &pixels[std::size_t(jpeg.next_scanline) * jpeg.image_width * unsigned(jpeg.input_components)];
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  std::string file(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return file;
}

// rows: as PNG stores them, each padded to whole bytes, 16-bit samples big-endian.
inline std::string encode_png(int height, int width, spng_color_type type, int bits,
                              const std::vector<std::uint8_t>& rows, spng_plte* palette = nullptr,
                              spng_trns* transparency = nullptr, bool interlaced = false) {
  spng_ctx* png = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header = {};
  header.width = std::uint32_t(width);
  header.height = std::uint32_t(height);
  header.bit_depth = std::uint8_t(bits);
  header.color_type = std::uint8_t(type);
  header.interlace_method = interlaced;
  spng_set_ihdr(png, &header);
  if (palette) spng_set_plte(png, palette);
  if (transparency) spng_set_trns(png, transparency);
  std::string file;
  if (spng_encode_image(png, rows.data(), rows.size(), SPNG_FMT_RAW, SPNG_ENCODE_FINALIZE) == 0) {
    std::size_t size = 0;
    int status = 0;
    void* bytes = spng_get_png_buffer(png, &size, &status);
    file.assign(static_cast<char*>(bytes), size);
    std::free(bytes);
  }
  spng_ctx_free(png);
  return file;
}
