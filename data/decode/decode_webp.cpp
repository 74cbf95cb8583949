// Decodes WebP with libwebp: a still image, or the first frame of an animation on its canvas.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"

namespace data {

using engine::require_data;

namespace {

const char* text_of(VP8StatusCode status) {
  return status == VP8_STATUS_UNSUPPORTED_FEATURE ? "a feature that libwebp lacks"
         : status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED ? "the pixels end early"
                                                                                  : "damaged pixels";
}

int orientation_of(const WebPDemuxer* file) {
  WebPChunkIterator found = {};
  int orientation = 1;
  if (WebPDemuxGetChunk(file, "EXIF", 1, &found) != 0) {
    // some programs write JPEG's marker before EXIF's content
    const std::size_t marker =
        found.chunk.size >= 6 && std::memcmp(found.chunk.bytes, "Exif\0\0", 6) == 0 ? 6 : 0;
    orientation = tiff_orientation(found.chunk.bytes + marker, found.chunk.size - marker);
  }
  WebPDemuxReleaseChunkIterator(&found);
  return orientation;
}

// Pixels of the canvas that the frame doesn't cover are black, as in Pillow.
void decode_frame(const WebPIterator& frame, const std::string& what, Image& into) {
  require_data(frame.x_offset + frame.width <= into.width && frame.y_offset + frame.height <= into.height,
               what, "a frame outside of the canvas, expected a whole WebP file");
  if (frame.width < into.width || frame.height < into.height)
    std::fill(into.pixels.begin(), into.pixels.end(), std::uint8_t(0));
  const std::size_t row = std::size_t(into.width) * 3,
                    first = std::size_t(frame.y_offset) * row + std::size_t(frame.x_offset) * 3;
  WebPDecoderConfig config;
  require_data(WebPInitDecoderConfig(&config) != 0, what,
               "libwebp is another version than its header, expected a build with the installed one");
  config.output.colorspace = MODE_RGB;  // alpha is decoded, and dropped
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {into.pixels.data() + first, int(row), into.pixels.size() - first};
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  if (status == VP8_STATUS_OUT_OF_MEMORY) throw engine::FailedAllocation(into.pixels.size());
  require_data(status == VP8_STATUS_OK, what, text_of(status), ", expected a whole WebP file");
}

}  // namespace

void decode_webp(const std::uint8_t* bytes, std::size_t size, const std::string& name, const DecodeOptions&,
                 Image& into) {
  const std::string what = name + ": WebP of " + with_commas(size) + " bytes: ";
  const WebPData data = {bytes, size};
  WebPDemuxState state = WEBP_DEMUX_PARSING_HEADER;
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> file(WebPDemuxPartial(&data, &state),
                                                                  WebPDemuxDelete);
  require_data(file != nullptr && state == WEBP_DEMUX_DONE, what,
               state == WEBP_DEMUX_PARSE_ERROR ? "a damaged header or chunk" : "ends early",
               ", expected a whole WebP file");
  set_size(into, WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_HEIGHT),
           WebPDemuxGetI(file.get(), WEBP_FF_CANVAS_WIDTH), name, unbounded_pixels(size));
  WebPIterator frame = {};
  const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> release(&frame, WebPDemuxReleaseIterator);
  require_data(WebPDemuxGetFrame(file.get(), 1, &frame) != 0, what, "no frame, expected one");
  decode_frame(frame, what, into);
  into.orientation = orientation_of(file.get());
}

std::string webp_version() {
  const int v = WebPGetDecoderVersion();
  return engine::concat_text(v >> 16, ".", v >> 8 & 255, ".", v & 255);
}

}  // namespace data
