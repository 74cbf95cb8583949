// Fuzzes a GIF file: giflib behind our checks, our canvas, and our reader of the blocks after the first
// frame.
#include "data/decode/decode_formats.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::note_outcome(fuzz::refusal("a.gif", [&] {
    data::Image image;
    data::decode_gif(bytes, size, "a.gif", {}, image);
    fuzz::expect_whole(image);
  }));
  return 0;
}
