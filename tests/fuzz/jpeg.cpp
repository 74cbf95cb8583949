// Fuzzes a JPEG file: libjpeg behind our checks, and our EXIF reader.
#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::note_outcome(fuzz::refusal("a.jpg", [&] {
    data::Image image;
    data::decode_jpeg(bytes, size, "a.jpg", {}, image);
    data::decode_jpeg(bytes, size, "a.jpg", {.shrink = 2}, image);
    fuzz::expect_whole(image);
  }));
  // also for files that don't decode, or few inputs would reach the EXIF reader
  const int orientation = data::exif_orientation(bytes, size);
  fuzz::expect(orientation >= 1 && orientation <= 8, "an orientation of 1 to 8");
  return 0;
}
