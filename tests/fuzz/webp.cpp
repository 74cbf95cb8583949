// Fuzzes a WebP file: libwebp behind our checks, our canvas, and our reader of its EXIF chunk.
#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::note_outcome(fuzz::refusal("a.webp", [&] {
    data::Image image;
    data::decode_webp(bytes, size, "a.webp", {}, image);
    fuzz::expect(image.orientation >= 1 && image.orientation <= 8, "an orientation of 1 to 8");
    data::apply_orientation(image);
    fuzz::expect_whole(image);
  }));
  return 0;
}
