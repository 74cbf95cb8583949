#include <cmath>

#include "tests/bad_inputs/bad_input.h"
#include "tests/support/encode.h"

namespace {

std::vector<std::uint8_t> waves(int height, int width, int channels) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        pixels.push_back(std::uint8_t(128 + 100 * std::sin(0.3 * (c + 1) + 0.9 * x + 0.7 * (c + 1) * y)));
  return pixels;
}

// The offset of the n-th segment of a marker, at its 0xff.
std::size_t find(const std::string& jpeg, int marker, int n = 0) {
  for (std::size_t at = 2; at + 4 <= jpeg.size();) {
    const int found = std::uint8_t(jpeg[at + 1]);
    if (found == marker && n-- == 0) return at;
    const std::size_t length = std::size_t(std::uint8_t(jpeg[at + 2])) << 8 | std::uint8_t(jpeg[at + 3]);
    at += 2 + length;
    if (found == 0xda)  // followed by the scan's bits
      while (at + 1 < jpeg.size() && !(jpeg[at] == '\xff' && jpeg[at + 1] != 0)) ++at;
  }
  throw std::logic_error("no such marker");
}

std::size_t length(const std::string& jpeg, std::size_t at) {
  return 2 + (std::size_t(std::uint8_t(jpeg[at + 2])) << 8 | std::uint8_t(jpeg[at + 3]));
}

constexpr int dqt = 0xdb, sof = 0xc0, dht = 0xc4, sos = 0xda;

}  // namespace

std::vector<BadImage> bad_jpegs() {
  const std::string plain = encode_jpeg(16, 16, waves(16, 16, 3));
  const std::string grey =
      encode_jpeg(16, 16, waves(16, 16, 1), {.input = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE});
  const std::string progressive = encode_jpeg(16, 16, waves(16, 16, 3), {.progressive = true});
  const std::string cmyk = encode_jpeg(16, 16, waves(16, 16, 4), {.input = JCS_CMYK, .stored = JCS_YCCK});
  const std::size_t frame = find(plain, sof), tables = find(plain, dht), scan = find(plain, sos);
  const std::size_t quantizers = find(plain, dqt);
  const auto cut = [](const std::string& file, std::size_t size) { return file.substr(0, size); };
  const auto with = [](std::string file, std::size_t at, const std::string& bytes) {
    return file.replace(at, bytes.size(), bytes);
  };
  const auto without = [](std::string file, std::size_t at, std::size_t bytes) {
    return file.erase(at, bytes);
  };
  const auto plus = [](std::string file, std::size_t at, const std::string& bytes) {
    return file.insert(at, bytes);
  };
  const std::string zero(1, '\0'), two_zeros(2, '\0');
  const std::size_t bits = scan + length(plain, scan);  // offset of the scan's bits

  std::vector<BadImage> list = {
      {"jpeg: three bytes", cut(plain, 3), "JPEG header: Premature end of JPEG file, expected a whole"},
      {"jpeg: cut in the first segment", cut(plain, 8),
       "JPEG header: Premature end of JPEG file, expected a whole"},
      {"jpeg: cut in the quantizers", cut(plain, quantizers + 30),
       "JPEG header: Premature end of JPEG file, expected a whole"},
      {"jpeg: cut in the frame", cut(plain, frame + 7),
       "JPEG header: Premature end of JPEG file, expected a whole"},
      {"jpeg: cut in the Huffman tables", cut(plain, tables + 20),
       "JPEG header: Premature end of JPEG file, expected a whole"},
      {"jpeg: cut in the scan's header", cut(plain, scan + 5),
       "JPEG header: Premature end of JPEG file, expected a whole"},
      {"jpeg: cut before the first bit", cut(plain, bits),
       "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: cut in the middle of the scan", cut(plain, (bits + plain.size()) / 2),
       "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: the end marker is missing", cut(plain, plain.size() - 2),
       "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: half of the end marker", cut(plain, plain.size() - 1),
       "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: progressive, cut in the first scan", cut(progressive, find(progressive, sos) + 20),
       "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: progressive, cut before the last scan", cut(progressive, find(progressive, sos, 5)),
       "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: CMYK, cut", cut(cmyk, cmyk.size() * 2 / 3),
       "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: grey, cut", cut(grey, grey.size() - 20), "JPEG...Premature end of JPEG file, expected a whole"},
      {"jpeg: the end marker comes first", cut(plain, 2) + "\xff\xd9",
       "JPEG header: JPEG datastream contains no image, expected a whole"},
      {"jpeg: no frame", without(plain, frame, length(plain, frame)),
       "JPEG header: Invalid JPEG file structure: SOS before SOF, expected a whole"},
      {"jpeg: two frames", plus(plain, frame, plain.substr(frame, length(plain, frame))),
       "JPEG header: Invalid JPEG file structure: two SOF markers, expected a whole"},
      {"jpeg: two begins", plus(plain, 2, "\xff\xd8"),
       "JPEG header: Invalid JPEG file structure: two SOI markers, expected a whole"},
      {"jpeg: no quantizer", without(plain, quantizers, length(plain, quantizers)),
       "JPEG...Quantization table 0x00 was not defined, expected a whole"},
      {"jpeg: no scan", cut(plain, scan) + "\xff\xd9",
       "JPEG header: Invalid JPEG file structure: missing SOS marker, expected a whole"},
      {"jpeg: 12 bits a sample", with(plain, frame + 4, "\x0c"),
       "JPEG header: Unsupported JPEG data precision 12, expected a whole"},
      {"jpeg: 0 bits a sample", with(plain, frame + 4, zero),
       "JPEG header: Unsupported JPEG data precision 0, expected a whole"},
      {"jpeg: height 0", with(plain, frame + 5, two_zeros),
       "JPEG header: Empty JPEG image (DNL not supported), expected a whole"},
      {"jpeg: width 0", with(plain, frame + 7, two_zeros),
       "JPEG header: Empty JPEG image (DNL not supported), expected a whole"},
      {"jpeg: 65,535 high", with(plain, frame + 5, "\xff\xff"),
       "JPEG header: Maximum supported image dimension is 65500 pixels, expected a whole"},
      {"jpeg: 9,000 x 9,000 of 800 bytes", with(plain, frame + 5, "\x23\x28\x23\x28"),
       "declares 9,000 x 9,000 pixels, expected at most 2,799,616"},
      {"jpeg: no component", with(plain, frame + 9, zero),
       "JPEG header: Empty JPEG image (DNL not supported), expected a whole"},
      {"jpeg: more components than the frame holds", with(plain, frame + 9, "\x04"),
       "JPEG header: Bogus marker length, expected a whole"},
      {"jpeg: sampling of 0", with(plain, frame + 11, zero),
       "JPEG header: Bogus sampling factors, expected a whole"},
      {"jpeg: sampling of 5", with(plain, frame + 11, "\x55"),
       "JPEG header: Bogus sampling factors, expected a whole"},
      {"jpeg: quantizer 7", with(plain, frame + 12, "\x07"),
       "JPEG...Quantization table 0x07 was not defined, expected a whole"},
      {"jpeg: a table of quantizer 4", with(plain, quantizers + 4, "\x04"),
       "JPEG header: Bogus DQT index 4, expected a whole"},
      {"jpeg: Huffman codes that are too many", with(plain, tables + 5, "\xff"),
       "JPEG header: Bogus Huffman table definition, expected a whole"},
      {"jpeg: a Huffman table of number 4", with(plain, tables + 4, "\x04"),
       "JPEG header: Bogus DHT index 4, expected a whole"},
      {"jpeg: a scan of no component", with(plain, scan + 4, zero),
       "JPEG header: Bogus marker length, expected a whole"},
      {"jpeg: a scan of an unknown component", with(plain, scan + 5, "\x09"),
       "JPEG header: Invalid component ID 9 in SOS, expected a whole"},
      {"jpeg: a scan of a component twice", with(plain, scan + 7, plain.substr(scan + 5, 1)),
       "JPEG header: Invalid component ID 1 in SOS, expected a whole"},
      {"jpeg: a scan with Huffman table 3", with(plain, scan + 6, "\x33"),
       "JPEG...Huffman table 0x03 was not defined, expected a whole"},
      {"jpeg: a segment of length 0", with(plain, quantizers + 2, two_zeros),
       "JPEG header: Bogus marker length, expected a whole"},
      {"jpeg: a segment of length 1", with(plain, quantizers + 2, std::string("\0\x01", 2)),
       "JPEG header: Bogus marker length, expected a whole"},
      {"jpeg: a segment beyond the end", with(plain, quantizers + 2, "\xff\xff"),
       "JPEG header: Bogus DQT index 15, expected a whole"},
      {"jpeg: lossless", with(plain, frame + 1, "\xc3"),
       "JPEG header: Unsupported JPEG process: SOF type 0xc3, expected a whole"},
      {"jpeg: hierarchical", with(plain, frame + 1, "\xc5"),
       "JPEG header: Unsupported JPEG process: SOF type 0xc5, expected a whole"},
      {"jpeg: a marker in the scan", plus(plain, (bits + plain.size()) / 2, "\xff\xdb"),
       "JPEG...Corrupt JPEG data: premature end of data segment, expected a whole"},
      {"jpeg: an end in the scan", plus(plain, (bits + plain.size()) / 2, "\xff\xd9"),
       "JPEG...Corrupt JPEG data: premature end of data segment, expected a whole"},
      {"jpeg: a restart that nobody asked for", plus(plain, (bits + plain.size()) / 2, "\xff\xd3"),
       "JPEG...Corrupt JPEG data: premature end of data segment, expected a whole"},
      {"jpeg: restarts that never come", plus(plain, scan, std::string("\xff\xdd\0\x04\0\x01", 6)),
       "JPEG...Corrupt JPEG data: found marker 0xd9 instead of RST0, expected a whole"},
      {"jpeg: progressive, a band that ends before it begins",
       with(progressive, find(progressive, sos, 1) + 7, std::string("\x09\x05", 2)),
       "JPEG...Invalid progressive parameters Ss=9 Se=5 Ah=0 Al=2, expected a whole"},
      {"jpeg: progressive, a refinement of nothing",
       with(progressive, find(progressive, sos) + 4 + 1 + 6 + 2, "\x53"),
       "JPEG...Invalid progressive parameters Ss=0 Se=0 Ah=5 Al=3, expected a whole"},
  };
  const std::string arithmetic = encode_jpeg(16, 16, waves(16, 16, 3), {.arithmetic = true});
  list.push_back({"jpeg: arithmetic, 9,000 x 9,000",
                  with(arithmetic, find(arithmetic, 0xc9) + 5, "\x23\x28\x23\x28"),
                  "declares 9,000 x 9,000 pixels, expected at most"});
  list.push_back({"jpeg: arithmetic, cut", cut(arithmetic, arithmetic.size() * 2 / 3),
                  "JPEG...Premature end of JPEG file, expected a whole"});
  const std::string one_by_one = encode_jpeg(16, 16, waves(16, 16, 3), {.one_scan_a_component = true});
  const std::size_t first = find(one_by_one, sos), second = find(one_by_one, sos, 1);
  std::string scans = one_by_one.substr(0, first);
  for (int i = 0; i < 200; ++i) scans += one_by_one.substr(first, second - first);
  list.push_back({"jpeg: scans without end", scans + one_by_one.substr(second),
                  "JPEG...more than 100 scans, expected a whole"});
  return list;
}
