// Decodes the first page of a TIFF with libtiff, strip by strip or tile by tile. libtiff's own conversion to
// RGB (TIFFReadRGBAImage) isn't used: it blends alpha, and converts CMYK otherwise than Pillow.
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "data/decode/tiff_pixels.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {

using engine::require_data;

namespace {

struct TiffSource {
  const std::uint8_t* bytes;
  std::size_t size, at = 0;
  bool decoding = false;   // the header was read
  bool no_memory = false;  // it is not the file's fault
  char message[256] = "";  // the first one that counts
};

TiffSource& tiff_source(thandle_t handle) { return *static_cast<TiffSource*>(handle); }

tmsize_t read_tiff(thandle_t handle, void* to, tmsize_t wanted) {
  TiffSource& from = tiff_source(handle);
  const std::size_t count = std::min(std::size_t(wanted), from.size - from.at);
  std::memcpy(to, from.bytes + from.at, count);
  from.at += count;
  return tmsize_t(count);
}
tmsize_t write_tiff(thandle_t, void*, tmsize_t) { return -1; }
toff_t seek_tiff(thandle_t handle, toff_t offset, int whence) {
  TiffSource& from = tiff_source(handle);
  const toff_t base = whence == SEEK_CUR ? from.at : whence == SEEK_END ? from.size : 0;
  from.at = std::size_t(std::min<toff_t>(base + offset, from.size));
  return from.at;
}
int close_tiff(thandle_t) { return 0; }
toff_t size_of_tiff(thandle_t handle) { return tiff_source(handle).size; }
// With the file in memory libtiff checks every offset against its end, and copies nothing. It doesn't write.
int map_tiff(thandle_t handle, void** base, toff_t* size) {
  *base = const_cast<std::uint8_t*>(tiff_source(handle).bytes);
  *size = tiff_source(handle).size;
  return 1;
}
void unmap_tiff(thandle_t, void*, toff_t) {}

void keep_message(TiffSource& source, const char* format, std::va_list values) {
  if (source.message[0] != '\0') return;
  std::vsnprintf(source.message, sizeof source.message, format, values);
  for (const char* text : {"ailed to allocate", "ut of memory", "No space for"})
    if (std::strstr(format, text) != nullptr) source.no_memory = true;
}

int on_tiff_error(TIFF*, void* source, const char*, const char* format, std::va_list values) {
  keep_message(*static_cast<TiffSource*>(source), format, values);
  return 1;  // not to the handler that prints
}

// Whether a warning about the header says that a tag is ignored that changes pixels: a damaged one.
bool is_about_pixels(const char* format, std::va_list values) {
  char text[256];
  std::va_list copy;
  va_copy(copy, values);
  std::vsnprintf(text, sizeof text, format, copy);
  va_end(copy);
  static constexpr const char* tags[] = {"ColorMap",     "ExtraSamples", "FillOrder",    "JPEGTables",
                                         "Orientation",  "Photometric",  "PlanarConfig", "Predictor",
                                         "RowsPerStrip", "SampleFormat"};
  if (std::strstr(text, "ignored") == nullptr && std::strstr(text, "Ignoring") == nullptr) return false;
  return std::ranges::any_of(tags, [&](const char* tag) { return std::strstr(text, tag) != nullptr; });
}

// After a warning about pixels libtiff continues with invented ones, except after that about the old order of
// LZW's bits, which it reads.
int on_tiff_warning(TIFF*, void* data, const char*, const char* format, std::va_list values) {
  TiffSource& source = *static_cast<TiffSource*>(data);
  if (source.decoding ? std::strncmp(format, "Old-style LZW", 13) != 0 : is_about_pixels(format, values))
    keep_message(source, format, values);
  return 1;
}

struct TiffDecoder {
  TiffSource source;
  std::string name, what;  // `what` begins messages about the content
  std::unique_ptr<TIFF, void (*)(TIFF*)> tiff{nullptr, TIFFClose};
  TiffPixels pixels = {};
  std::uint32_t height = 0, width = 0;
  std::uint16_t planes = 1;  // 1: the samples of a pixel lie together

  // The most pixels that a file of its size may declare, in any compression. No allocation of libtiff or of
  // ours is larger than 8 bytes for each: a pixel of RGB with alpha in 16 bits.
  std::uint64_t most() const { return unbounded_pixels(source.size); }

  // The number of pixels that the file's bytes can hold in this compression.
  std::uint64_t most_of(std::uint16_t compression) const {
    const std::uint64_t pixel_bits = std::uint64_t(pixels.bits) * pixels.samples;
    const auto expanded = [&](std::uint64_t times) { return source.size * times * 8 / pixel_bits; };
    switch (compression) {
      case COMPRESSION_NONE:
        return expanded(1);
      case COMPRESSION_PACKBITS:
        return expanded(64);  // 128 bytes from two
      case COMPRESSION_LZW:
        return expanded(4096 * 8 / 12);  // a code of 12 bits is no longer than the table
      case COMPRESSION_DEFLATE:
      case COMPRESSION_ADOBE_DEFLATE:
        return expanded(1032);
      default:
        return most();
    }
  }

  [[noreturn]] void fail(const char* otherwise) const {
    if (source.no_memory) throw engine::FailedAllocation(source.size);
    const char* text = source.message[0] != '\0' ? source.message : otherwise;
    throw engine::DataError(what + printable(text) + ", expected a whole TIFF file");
  }

  void open() {
    const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                               TIFFOpenOptionsFree);
    if (options == nullptr) throw engine::FailedAllocation(source.size);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(),
                                        tmsize_t(8 * std::min<std::uint64_t>(most(), max_pixels)));
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_tiff_error, &source);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_tiff_warning, &source);
    tiff.reset(TIFFClientOpenExt("a TIFF file", "r", &source, read_tiff, write_tiff, seek_tiff, close_tiff,
                                 size_of_tiff, map_tiff, unmap_tiff, options.get()));
    if (tiff == nullptr || source.message[0] != '\0') fail("a damaged header");
  }

  std::uint16_t number(std::uint32_t tag, std::uint16_t otherwise) const {
    std::uint16_t value = 0;
    return TIFFGetFieldDefaulted(tiff.get(), tag, &value) != 0 ? value : otherwise;
  }

  void check_compression(std::uint16_t compression) const {
    static constexpr std::uint16_t known[] = {
        COMPRESSION_NONE,     COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4,
        COMPRESSION_LZW,      COMPRESSION_JPEG,     COMPRESSION_DEFLATE,   COMPRESSION_ADOBE_DEFLATE,
        COMPRESSION_PACKBITS, COMPRESSION_ZSTD};
    // The others are rare. Old JPEG, LERC and JBIG have had many reports of memory errors, and LZMA's header
    // says how much memory its decoder takes.
    require_data(
        std::ranges::find(known, compression) != std::end(known), what, "compression ", compression,
        ", expected none, CCITT (2 to 4), LZW (5), JPEG (7), deflate (8, 32946), PackBits (32773) or "
        "ZSTD (50000)");
    require_data(TIFFIsCODECConfigured(compression) != 0, what, "compression ", compression,
                 ", which this libtiff lacks, expected one that it has");
  }

  void read_header() {
    TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
    TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
    const std::uint16_t compression = number(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    check_compression(compression);
    pixels.photometric = number(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    pixels.bits = number(TIFFTAG_BITSPERSAMPLE, 1);
    pixels.samples = number(TIFFTAG_SAMPLESPERPIXEL, 1);
    if (compression == COMPRESSION_JPEG && pixels.photometric == PHOTOMETRIC_YCBCR) {
      TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      pixels.photometric = PHOTOMETRIC_RGB;
    }
    const std::uint16_t kind = number(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
    require_data(kind == SAMPLEFORMAT_UINT || kind == SAMPLEFORMAT_VOID, what,
                 kind == SAMPLEFORMAT_INT ? "signed samples" : "samples of floating point",
                 ", expected unsigned integers");
    std::uint16_t extras = 0, *extra = nullptr;
    if (TIFFGetField(tiff.get(), TIFFTAG_EXTRASAMPLES, &extras, &extra) != 0 && extras > 0)
      pixels.premultiplied = extra[0] == EXTRASAMPLE_ASSOCALPHA && pixels.samples > pixels.colours();
    const std::string wrong = pixels.wrong();
    require_data(wrong.empty(), what, wrong);
    check_size(height, width, name, most_of(compression));
    if (pixels.photometric == PHOTOMETRIC_PALETTE) {
      std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
      if (TIFFGetField(tiff.get(), TIFFTAG_COLORMAP, &red, &green, &blue) == 0) fail("no palette");
      for (std::size_t i = 0; i < std::size_t(1) << pixels.bits; ++i)
        for (const std::uint16_t* channel : {red, green, blue})
          pixels.palette.push_back(std::uint8_t(channel[i] >> 8));
    }
    if (number(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE) planes = pixels.samples;
  }

  // The grid of strips or tiles: a strip is as wide as the image.
  struct Grid {
    bool tiled;
    std::uint32_t height, width;  // of a piece
    std::size_t row, piece;       // bytes of a row, and of a piece, of one plane
  };

  Grid grid() const {
    Grid g{.tiled = TIFFIsTiled(tiff.get()) != 0, .height = 0, .width = width, .row = 0, .piece = 0};
    if (g.tiled) {
      TIFFGetField(tiff.get(), TIFFTAG_TILEWIDTH, &g.width);
      TIFFGetField(tiff.get(), TIFFTAG_TILELENGTH, &g.height);
    } else {
      TIFFGetFieldDefaulted(tiff.get(), TIFFTAG_ROWSPERSTRIP, &g.height);
      g.height = std::min(g.height, height);
    }
    require_data(g.height > 0 && g.width > 0, what, g.tiled ? "tiles of " : "strips of ", g.height, " x ",
                 g.width, " pixels, expected at least one pixel");
    // all tiles together: those at the edges are padded, and decoded with their padding
    const auto padded = [](std::uint64_t side, std::uint64_t of) { return (side + of - 1) / of * of; };
    require_data(!g.tiled || (g.height <= max_side && g.width <= max_side &&
                              padded(height, g.height) * padded(width, g.width) <= 2 * most()),
                 what, "tiles of ", with_commas(g.height), " x ", with_commas(g.width),
                 " pixels, expected tiles that the image fills");
    const std::uint64_t samples = planes == 1 ? pixels.samples : 1;
    g.row = (std::size_t(g.width) * samples * pixels.bits + 7) / 8;
    g.piece = g.row * g.height;
    require_data(g.piece * planes <= 8 * most(), what, g.tiled ? "tiles" : "strips", " of ",
                 with_commas(g.piece * planes), " bytes, expected at most ", with_commas(8 * most()));
    return g;
  }

  // One piece of one plane; rows: those of it that the image has.
  void read_piece(const Grid& g, std::uint32_t y, std::uint32_t x, std::uint16_t plane, std::uint32_t rows,
                  std::uint8_t* to) {
    const std::uint32_t index =
        g.tiled ? TIFFComputeTile(tiff.get(), x, y, 0, plane) : TIFFComputeStrip(tiff.get(), y, plane);
    const auto expected = tmsize_t(g.tiled ? g.piece : g.row * rows);
    const tmsize_t got = g.tiled ? TIFFReadEncodedTile(tiff.get(), index, to, expected)
                                 : TIFFReadEncodedStrip(tiff.get(), index, to, expected);
    if (got != expected || source.message[0] != '\0') fail("the pixels end early");
  }

  void read_pixels(Image& into, std::vector<std::uint16_t>& sixteen) {
    const Grid g = grid();
    source.decoding = true;
    std::vector<std::uint8_t> piece(g.piece * planes), together;
    for (std::uint32_t top = 0; top < height; top += g.height)
      for (std::uint32_t left = 0; left < width; left += g.width) {
        const std::uint32_t rows = std::min(g.height, height - top),
                            columns = std::min(g.width, width - left);
        for (std::uint16_t p = 0; p < planes; ++p)
          read_piece(g, top, left, p, rows, piece.data() + p * g.piece);
        for (std::uint32_t y = 0; y < rows; ++y) {
          const std::uint8_t* row = piece.data() + y * g.row;
          if (planes > 1) row = pixels.interleaved(row, g.piece, columns, together);
          const std::size_t first = (std::size_t(top) + y) * width + left;
          if (pixels.keeps_sixteen())
            pixels.copy_sixteen(row, columns, &sixteen[first * pixels.colours()]);
          else
            pixels.to_rgb(row, columns, &into.pixels[first * 3]);
        }
      }
  }
};

}  // namespace

void decode_tiff(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions& o,
                 Image& into) {
  TiffDecoder decoder{{bytes, size}, name, name + ": TIFF of " + with_commas(size) + " bytes: "};
  decoder.open();
  decoder.read_header();
  resize(into, int(decoder.height), int(decoder.width));
  const TiffPixels& pixels = decoder.pixels;
  std::vector<std::uint16_t> sixteen(pixels.keeps_sixteen() ? into.pixels.size() / 3 * pixels.colours() : 0);
  decoder.read_pixels(into, sixteen);
  if (pixels.keeps_sixteen()) narrow(sixteen, pixels.colours(), o, into);
  // Pillow turns a TIFF by its own tag as it loads it, so torchvision's ImageFolder gets it upright. It then
  // counts as an image without an orientation.
  const int orientation = decoder.number(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  into.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
  apply_orientation(into);
  into.orientation = 1;
}

std::string tiff_version() {
  const std::string text = TIFFGetVersion();  // "LIBTIFF, Version 4.5.0\nCopyright ..."
  const std::size_t first = text.find_first_of("0123456789");
  return text.substr(first, text.find('\n', first) - first);
}

}  // namespace data
