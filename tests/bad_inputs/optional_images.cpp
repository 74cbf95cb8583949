// WebP, TIFF and GIF files with one defect each.
#include "data/decode/decode.h"
#include "tests/bad_inputs/bad_input.h"
#include "tests/support/encode_tiff.h"
#include "tests/support/golden_images.h"

namespace {

using Changed = std::pair<std::size_t, std::string>;  // bytes to put at a place

std::string with(std::string file, const std::vector<Changed>& changes) {
  for (const auto& [at, bytes] : changes) file.replace(at, bytes.size(), bytes);
  return file;
}

std::string webp_chunk(const std::string& name, const std::string& body) {
  return name + little_endian(std::uint32_t(body.size()), 4) + body + std::string(body.size() % 2, '\0');
}
std::string webp_file(const std::string& chunks) {
  return "RIFF" + little_endian(std::uint32_t(4 + chunks.size()), 4) + "WEBP" + chunks;
}
// The header of a file with features; the sides less one have three bytes each.
std::string webp_canvas(int flags, std::uint32_t height, std::uint32_t width) {
  return webp_chunk("VP8X", little_endian(std::uint32_t(flags), 4) + little_endian(width - 1, 3) +
                                little_endian(height - 1, 3));
}

// One frame of `height` x `width` pixels at a place of the canvas, then `data`.
std::string gif_frame(int left, int top, int height, int width, const std::string& data) {
  const auto u16 = [](int v) { return little_endian(std::uint32_t(v), 2); };
  return "," + u16(left) + u16(top) + u16(width) + u16(height) + std::string(1, '\0') + data;
}
std::string gif_file(int height, int width, const std::string& blocks) {
  return "GIF89a" + little_endian(std::uint32_t(width), 2) + little_endian(std::uint32_t(height), 2) +
         std::string("\x80\0\0", 3) + "abcdef" + blocks;
}

}  // namespace

std::vector<BadImage> bad_webps() {
  const std::string lossless = golden_file("webp lossless RGB"), lossy = golden_file("webp quality 90");
  const std::string still = lossless.substr(12);
  return {
      {"webp: a header alone", std::string("RIFF\x24\0\0\0WEBPVP8 ", 16), "WebP of 16 bytes: ends early"},
      {"webp: no chunk", webp_file(""), "WebP...ends early, expected a whole WebP file"},
      {"webp: cut in the pixels", lossless.substr(0, 100), "WebP of 100 bytes: ends early"},
      {"webp: lossy, cut in the pixels", lossy.substr(0, 100), "WebP of 100 bytes: ends early"},
      {"webp: RIFF's size is 0", with(lossless, {{4, std::string(4, '\0')}}),
       "WebP...a damaged header or chunk"},
      {"webp: a size of 4 GB", with(lossless, {{4, "\xff\xff\xff\xff"}}), "WebP...a damaged header or chunk"},
      {"webp: a chunk of 4 GB", with(lossless, {{16, "\xff\xff\xff\xff"}}),
       "WebP...a damaged header or chunk"},
      {"webp: no signature of lossless", with(lossless, {{20, "x"}}), "WebP...a damaged header or chunk"},
      {"webp: damaged lossless pixels", with(lossless, {{40, std::string(20, '\x55')}}),
       "WebP...damaged pixels, expected a whole WebP file"},
      {"webp: no frame", webp_file(webp_canvas(2, 4, 4) + webp_chunk("ANIM", std::string(6, '\0'))),
       "WebP...a damaged header or chunk"},
      {"webp: a canvas of 16,777,216 x 16,777,216", webp_file(webp_canvas(0, 1 << 24, 1 << 24) + still),
       "WebP...a damaged header or chunk"},
      {"webp: a canvas of 16,000 x 5,000 without pixels for it",
       webp_file(webp_canvas(2, 16'000, 5'000) + webp_chunk("ANIM", std::string(6, '\0')) +
                 webp_chunk("ANMF", std::string(6, '\0') + little_endian(18, 3) + little_endian(10, 3) +
                                        std::string(4, '\0') + still)),
       "declares 16,000 x 5,000 pixels, expected at most 16,777,216"},
      {"webp: another size than its pixels", webp_file(webp_canvas(0, 12, 19) + still),
       "WebP...a damaged header or chunk"},
  };
}

std::vector<BadImage> bad_tiffs() {
  const std::string rgb(12, 'x'), lzw = golden_file("tiff rgb tiff_lzw"),
                                  deflate = golden_file("tiff rgb tiff_adobe_deflate"),
                                  jpeg = golden_file("tiff rgb jpeg");
  const auto tiff = [&](const TiffTags& more) { return encode_tiff(tiff_tags(2, 2, more), rgb); };
  return {
      {"tiff: a header alone", std::string("II*\0\x08\0\0\0", 8), "TIFF of 8 bytes: "},
      {"tiff: a header of 5 bytes", std::string("MM\0*\0", 5), "TIFF of 5 bytes: "},
      {"tiff: a page beyond the end", std::string("II*\0\xff\xff\xff\xff", 8), "TIFF of 8 bytes: "},
      {"tiff: 65,535 tags in 20 bytes", std::string("II*\0\x08\0\0\0\xff\xff", 10) + std::string(10, '\1'),
       "TIFF of 20 bytes: "},
      {"tiff: cut in the page", tiff({}).substr(0, 60), "TIFF of 60 bytes: "},
      {"tiff: no size", encode_tiff({{259, {1}}}, rgb), "TIFF...\"ImageLength\""},
      {"tiff: 65,535 x 65,535", encode_tiff(tiff_tags(65'535, 65'535), rgb),
       "declares 65,535 x 65,535 pixels, expected sides"},
      {"tiff: 9,000 x 9,000 of few bytes", encode_tiff(tiff_tags(9'000, 9'000), rgb),
       "declares 9,000 x 9,000 pixels, expected at most 44, which its bytes can hold"},
      {"tiff: 9,000 x 9,000 of few bytes of LZW", encode_tiff(tiff_tags(9'000, 9'000, {{259, {5}}}), rgb),
       "declares 9,000 x 9,000 pixels, expected at most 121,940, which its bytes can hold"},
      {"tiff: 9,000 x 9,000 of few bytes of CCITT",
       encode_tiff(tiff_tags(9'000, 9'000, {{258, {1}}, {259, {4}}, {262, {0}}, {277, {1}}}), rgb),
       "declares 9,000 x 9,000 pixels, expected at most 16,777,216, which its bytes can hold"},
      {"tiff: height 0", encode_tiff(tiff_tags(0, 2), rgb),
       "TIFF...Cannot handle zero strip size, expected a whole TIFF file"},
      {"tiff: Lab", tiff({{262, {8}}}),
       "TIFF...pixels of kind 8, expected grey (0, 1), RGB (2), a palette (3)"},
      {"tiff: YCbCr without JPEG", tiff({{262, {6}}}), "TIFF...pixels of kind 6, expected grey"},
      {"tiff: 12 bits", tiff({{258, {12, 12, 12}}}), "TIFF...12 bits a sample, expected 1, 2, 4, 8 or 16"},
      {"tiff: floating point", tiff({{258, {32, 32, 32}}, {339, {3, 3, 3}}}),
       "TIFF...samples of floating point, expected unsigned integers"},
      {"tiff: signed", tiff({{339, {2, 2, 2}}}), "TIFF...signed samples, expected unsigned integers"},
      {"tiff: samples of different bits", tiff({{258, {8, 8, 16}}}), "TIFF...expected a whole TIFF file"},
      {"tiff: 2 samples of RGB", tiff({{258, {8, 8}}, {277, {2}}}),
       "TIFF...2 samples a pixel, expected 3 to 6"},
      {"tiff: 65,535 samples", tiff({{258, {8}}, {277, {65'535}}}),
       "TIFF...65535 samples a pixel, expected 3 to 6"},
      {"tiff: 3 samples of 4 bits", tiff({{258, {4, 4, 4}}}), "TIFF...3 samples of 4 bits a pixel"},
      {"tiff: JPEG 2000", tiff({{259, {34'712}}}), "TIFF...compression 34712, expected none, CCITT (2 to 4)"},
      {"tiff: LZMA", tiff({{259, {34'925}}}), "TIFF...compression 34925, expected none, CCITT (2 to 4)"},
      {"tiff: a palette of 4 bits without colours", tiff({{258, {4}}, {262, {3}}, {277, {1}}}),
       "TIFF...missing required \"Colormap\" field"},
      {"tiff: a palette of too few colours", tiff({{258, {8}}, {262, {3}}, {277, {1}}, {320, {1, 2, 3}}}),
       "TIFF...\"ColorMap\""},
      {"tiff: an orientation of text", with(tiff({{274, {1}}}), {{20 + 2 + 12 * 6 + 2, "\2"}}),
       "TIFF...\"Orientation\""},
      {"tiff: a strip beyond the end", tiff({{273, {1'000}}}), "TIFF...expected a whole TIFF file"},
      {"tiff: a strip of too few bytes", tiff({{273, {8, 14}}, {278, {1}}, {279, {6, 5}}}),
       "TIFF...expected a whole TIFF file"},
      {"tiff: no strips", tiff({{273, {}}, {279, {}}}), "TIFF...expected a whole TIFF file"},
      {"tiff: tiles of 16 x 16,777,216", tiff({{322, {1 << 24}}, {323, {16}}, {324, {8}}, {325, {12}}}),
       "TIFF...tiles of 16 x 16,777,216 pixels, expected tiles that the image fills"},
      {"tiff: tiles of 16,000 x 16,000", tiff({{322, {16'000}}, {323, {16'000}}, {324, {8}}, {325, {12}}}),
       "TIFF...tiles of 16,000 x 16,000 pixels, expected tiles that the image fills"},
      {"tiff: tiles of height 0", tiff({{322, {16}}, {323, {0}}, {324, {8}}, {325, {12}}}),
       "TIFF...expected"},
      {"tiff: strips of 4,000 x 4,000 x 6 samples of 16 bits",
       encode_tiff(tiff_tags(4'000, 4'000, {{258, {16}}, {259, {50'000}}, {277, {6}}}), rgb),
       "TIFF...strips of 192,000,000 bytes, expected at most 134,217,728"},
      {"tiff: damaged LZW", with(lzw, {{20, std::string(9, '\xff')}}), "TIFF...expected a whole TIFF file"},
      {"tiff: damaged deflate", with(deflate, {{8, std::string(9, '\xff')}}),
       "TIFF...expected a whole TIFF file"},
      {"tiff: a damaged JPEG inside", with(jpeg, {{60, std::string(200, '\xff')}}),
       "TIFF...expected a whole TIFF file"},
  };
}

std::vector<BadImage> bad_gifs() {
  const std::string whole = golden_file("gif interlaced");
  const std::string pixels("\2\2\x44\1\0", 5);  // one pixel of colour 0
  return {
      {"gif: a header alone", "GIF89a", "GIF of 6 bytes: "},
      {"gif: no frame", std::string("GIF89a\1\0\1\0\0\0\0;", 14), "GIF of 14 bytes: no frame, expected one"},
      {"gif: no block", gif_file(1, 1, ""), "GIF...expected a whole GIF file"},
      {"gif: an unknown block", gif_file(1, 1, "x"), "GIF...expected a whole GIF file"},
      {"gif: a frame without pixels", gif_file(1, 1, gif_frame(0, 0, 0, 0, pixels) + ";"),
       "GIF...a frame of 0 x 0 pixels, expected at least one pixel"},
      {"gif: 65,535 x 65,535", gif_file(65'535, 65'535, gif_frame(0, 0, 1, 1, pixels) + ";"),
       "declares 65,535 x 65,535 pixels, expected sides"},
      {"gif: a frame of 65,535 x 65,535 at 65,535",
       gif_file(1, 1, gif_frame(65'535, 65'535, 65'535, 65'535, pixels) + ";"),
       "declares 131,070 x 131,070 pixels, expected sides"},
      {"gif: 9,000 x 9,000 of few bytes", gif_file(9'000, 9'000, gif_frame(0, 0, 1, 1, pixels) + ";"),
       "declares 9,000 x 9,000 pixels, expected at most 16,777,216"},
      {"gif: codes of 9 bits", gif_file(1, 1, gif_frame(0, 0, 1, 1, std::string("\x09\2\x44\1\0", 5)) + ";"),
       "GIF...expected a whole GIF file"},
      {"gif: fewer pixels than its frame", gif_file(2, 2, gif_frame(0, 0, 2, 2, pixels) + ";"),
       "GIF...expected a whole GIF file"},
      {"gif: a code that isn't there yet",
       gif_file(1, 2, gif_frame(0, 0, 1, 2, std::string("\2\2\x7c\x05\0", 5)) + ";"),
       "GIF...expected a whole GIF file"},
      {"gif: cut in the pixels", whole.substr(0, 150), "GIF of 150 bytes: "},
      {"gif: no trailer", whole.substr(0, whole.size() - 1),
       "GIF...ends early or has a damaged block after its first frame"},
      {"gif: a damaged block after the frame", with(whole, {{whole.size() - 1, "x"}}),
       "GIF...ends early or has a damaged block after its first frame"},
  };
}

std::vector<BadImage> bad_optional_images() {
  std::vector<BadImage> all;
  for (const data::OptionalFormat& f : data::optional_formats()) {
    const std::vector<BadImage> bad = f.format == "WebP"   ? bad_webps()
                                      : f.format == "TIFF" ? bad_tiffs()
                                                           : bad_gifs();
    if (f.version.empty())  // then none is decoded
      all.push_back(
          {"not built in: " + f.format, bad.back().bytes,
           "is a " + f.format + " image, which this build of dyad can't read: install " + f.package});
    else
      all.insert(all.end(), bad.begin(), bad.end());
  }
  return all;
}
