// Fuzzes a BMP, PNM or TGA file: our header checks and stb_image.
#include "data/decode/decode_formats.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::refusal("a.bmp", [&] {
    const data::StbHeader header = data::read_stb_header(bytes, size);
    if (header.format[0] == '\0') return;  // decode_image refuses it
    data::Image image;
    data::decode_stb(header, bytes, size, "a.bmp", image);
    fuzz::expect_whole(image);
  });
  return 0;
}
