// Fuzzes a TIFF file: libtiff behind our checks, our conversion of its samples, and the three ways to reduce
// 16 bits.
#include "data/decode/decode_formats.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::note_outcome(fuzz::refusal("a.tif", [&] {
    using Sixteen = data::DecodeOptions::Sixteen;
    const Sixteen ways[] = {Sixteen::high, Sixteen::stretch, Sixteen::range};
    data::Image image;
    data::decode_tiff(bytes, size, "a.tif", {.sixteen = ways[size % 3], .low = 100, .high = 4095}, image);
    fuzz::expect(image.orientation == 1, "an image that is upright");
    fuzz::expect_whole(image);
  }));
  return 0;
}
