// The bytes of a JPEG file, to libjpeg behind our checks, and to our reader of its EXIF.
#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::note_outcome(fuzz::refusal("a.jpg", [&] {
    data::Image image;
    data::decode_jpeg(bytes, size, "a.jpg", image);
    fuzz::expect_whole(image);
  }));
  // of files that don't decode too, or few inputs would get there
  const int orientation = data::exif_orientation(bytes, size);
  fuzz::expect(orientation >= 1 && orientation <= 8, "an orientation of 1 to 8");
  return 0;
}
