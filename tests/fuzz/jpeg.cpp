// Fuzzes a JPEG file: libjpeg behind our checks, whole and in part, and our EXIF reader.
#include <algorithm>
#include <cstddef>

#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::note_outcome(fuzz::refusal("a.jpg", [&] {
    data::Image image;
    data::decode_jpeg(bytes, size, "a.jpg", {}, image);
    const data::Image whole = image;
    data::decode_jpeg(bytes, size, "a.jpg", {.shrink = 2}, image);
    fuzz::expect_whole(image);
    const data::ChoosePart middle = [](int height, int width) {
      return data::Part{{height / 3, width / 3, (height + 2) / 3, (width + 2) / 3}};
    };
    data::decode_jpeg(bytes, size, "a.jpg", {}, image, middle);
    fuzz::expect_whole(image);
    const data::Source& s = image.source.value();
    for (int y = 0; y < image.height; ++y)
      fuzz::expect(std::equal(image.pixels.begin() + std::ptrdiff_t(y) * image.width * 3,
                              image.pixels.begin() + std::ptrdiff_t(y + 1) * image.width * 3,
                              whole.pixels.begin() + (std::ptrdiff_t(s.top + y) * whole.width + s.left) * 3),
                   "the pixels of the whole image");
  }));
  // also for files that don't decode, or few inputs would reach the EXIF reader
  const int orientation = data::exif_orientation(bytes, size);
  fuzz::expect(orientation >= 1 && orientation <= 8, "an orientation of 1 to 8");
  return 0;
}
