// Fuzzes a PNG file: libspng behind our checks, the three ways to reduce 16 bits, and our reader of eXIf.
#include "data/decode/decode_formats.h"
#include "data/decode/exif.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/raw_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::note_outcome(fuzz::refusal("a.png", [&] {
    using Sixteen = data::DecodeOptions::Sixteen;
    const Sixteen ways[] = {Sixteen::high, Sixteen::stretch, Sixteen::range};
    data::Image image;
    data::decode_png(bytes, size, "a.png", {.sixteen = ways[size % 3], .low = 100, .high = 4095}, image);
    data::apply_orientation(image);
    fuzz::expect_whole(image);
  }));
  return 0;
}

// A chunk with a wrong checksum is refused before it is parsed, so the mutator corrects most checksums.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(bytes, size, max_size);
  if (seed % 8 == 0) return size;
  for (std::size_t at = 8; at + 12 <= size;) {
    std::size_t length = 0;
    for (int i = 0; i < 4; ++i) length = length << 8 | bytes[at + std::size_t(i)];
    if (length > size - at - 12) break;
    const std::string sum = big_endian(crc32({reinterpret_cast<const char*>(bytes) + at + 4, length + 4}));
    std::memcpy(bytes + at + 8 + length, sum.data(), 4);
    at += 12 + length;
  }
  return size;
}
