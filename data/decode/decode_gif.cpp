// Decodes the first frame of a GIF with giflib, on the canvas of the file.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "data/decode/decode_formats.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {

using engine::require_data;

namespace {

struct GifSource {
  const std::uint8_t* bytes;
  std::size_t size, at = 0;

  int byte() { return at < size ? bytes[at++] : -1; }
  bool skip(std::size_t count) {
    if (count > size - at) return false;
    at += count;
    return true;
  }
};

int read_gif(GifFileType* gif, GifByteType* to, int wanted) {
  GifSource& from = *static_cast<GifSource*>(gif->UserData);
  const std::size_t count = std::min(std::size_t(wanted), from.size - from.at);
  std::memcpy(to, from.bytes + from.at, count);
  from.at += count;
  return int(count);
}

struct GifDecoder {
  GifSource source;
  std::string what;  // begins every message
  std::unique_ptr<GifFileType, void (*)(GifFileType*)> gif{nullptr, [](GifFileType* g) {
                                                             int error = 0;
                                                             DGifCloseFile(g, &error);
                                                           }};
  int transparent = NO_TRANSPARENT_COLOR;

  [[noreturn]] void fail(int error) const {
    if (error == D_GIF_ERR_NOT_ENOUGH_MEM) throw engine::FailedAllocation(source.size);
    const char* text = GifErrorString(error);
    throw engine::DataError(what + (text == nullptr ? "a damaged block" : text) +
                            ", expected a whole GIF file");
  }
  void check(int status) const {
    if (status != GIF_OK) fail(gif->Error);
  }

  void open() {
    int error = 0;
    gif.reset(DGifOpen(&source, read_gif, &error));
    if (gif == nullptr) fail(error);
  }

  void read_extension() {
    int kind = 0;
    GifByteType* block = nullptr;  // its length, then its bytes
    check(DGifGetExtension(gif.get(), &kind, &block));
    while (block != nullptr) {
      GraphicsControlBlock control = {};
      if (kind == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent = control.TransparentColor;
      check(DGifGetExtensionNext(gif.get(), &block));
    }
  }

  // Reads up to the description of the first frame.
  void find_frame() {
    for (GifRecordType record = UNDEFINED_RECORD_TYPE; record != IMAGE_DESC_RECORD_TYPE;) {
      check(DGifGetRecordType(gif.get(), &record));
      require_data(record != TERMINATE_RECORD_TYPE, what, "no frame, expected one");
      if (record == EXTENSION_RECORD_TYPE) read_extension();
    }
    check(DGifGetImageDesc(gif.get()));
  }

  // The frame's rows in the order of the file.
  template <class Row>
  void read_rows(Row row) {
    const GifImageDesc& frame = gif->Image;
    std::vector<GifPixelType> line(std::size_t(frame.Width));
    const auto every = [&](int first, int step) {
      for (int y = first; y < frame.Height; y += step) {
        check(DGifGetLine(gif.get(), line.data(), frame.Width));
        row(y, line);
      }
    };
    if (frame.Interlace) {
      every(0, 8);
      every(4, 8);
      every(2, 4);
      every(1, 2);
    } else {
      every(0, 1);
    }
  }

  bool skip_blocks() {
    int length = source.byte();
    while (length > 0 && source.skip(std::size_t(length))) length = source.byte();
    return length == 0;
  }

  // Later frames are skipped, not decoded. So a file that was cut is noticed wherever it was cut.
  void require_end() {
    bool whole = true;
    for (int block = source.byte(); whole && block != ';'; block = source.byte()) {
      if (block == '!') {
        whole = source.skip(1) && skip_blocks();
      } else if (block == ',') {
        whole = source.skip(8);  // the place and the size
        const int flags = source.byte();
        const std::size_t palette = (flags & 128) != 0 ? std::size_t(3) << ((flags & 7) + 1) : 0;
        whole = whole && flags >= 0 && source.skip(palette + 1) && skip_blocks();
      } else {
        whole = false;
      }
    }
    require_data(whole, what,
                 "ends early or has a damaged block after its first frame, expected a whole GIF file");
  }
};

using GifPalette = std::array<std::uint8_t, 256 * 3>;

// As Pillow: a palette that is a ramp of grey, or none, makes an index its own level. Otherwise colours
// beyond the palette are black.
GifPalette palette_of(const ColorMapObject* map) {
  GifPalette palette = {};
  bool ramp = true;
  for (int i = 0; map != nullptr && i < map->ColorCount; ++i) {
    const GifColorType& c = map->Colors[i];
    ramp = ramp && c.Red == i && c.Green == i && c.Blue == i;
    palette[std::size_t(i) * 3] = c.Red;
    palette[std::size_t(i) * 3 + 1] = c.Green;
    palette[std::size_t(i) * 3 + 2] = c.Blue;
  }
  for (std::size_t i = 0; ramp && i < palette.size(); ++i) palette[i] = std::uint8_t(i / 3);
  return palette;
}

}  // namespace

void decode_gif(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                Image& into) {
  GifDecoder decoder{{bytes, size}, name + ": GIF of " + with_commas(size) + " bytes: "};
  decoder.open();
  decoder.find_frame();
  const GifFileType& gif = *decoder.gif;
  const GifImageDesc& frame = gif.Image;
  require_data(frame.Width > 0 && frame.Height > 0, decoder.what, "a frame of ", frame.Height, " x ",
               frame.Width, " pixels, expected at least one pixel");
  // a frame that is larger than the canvas makes it larger
  set_size(into, std::uint32_t(std::max(gif.SHeight, frame.Top + frame.Height)),
           std::uint32_t(std::max(gif.SWidth, frame.Left + frame.Width)), name, unbounded_pixels(size));
  const GifPalette palette = palette_of(frame.ColorMap != nullptr ? frame.ColorMap : gif.SColorMap);
  const auto put = [&](std::size_t pixel, int colour) {
    std::memcpy(&into.pixels[pixel * 3], &palette[std::size_t(colour) * 3], 3);
  };
  if (frame.Width < into.width || frame.Height < into.height)
    for (std::size_t p = 0; p < into.pixels.size() / 3; ++p) put(p, std::max(0, decoder.transparent));
  decoder.read_rows([&](int y, const std::vector<GifPixelType>& line) {
    const std::size_t first = std::size_t(frame.Top + y) * std::size_t(into.width) + std::size_t(frame.Left);
    for (std::size_t x = 0; x < line.size(); ++x) put(first + x, line[x]);
  });
  decoder.require_end();
}

std::string gif_version() {
  return engine::concat_text(GIFLIB_MAJOR, ".", GIFLIB_MINOR, ".", GIFLIB_RELEASE);
}

}  // namespace data
