// WebP, TIFF and GIF, against the pixels that Pillow reads from the same files.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "data/decode/decode.h"
#include "data/decode/shrink.h"
#include "engine/error.h"
#include "tests/support/captured_stderr.h"
#include "tests/support/golden_images.h"
#include "tests/support/scratch.h"

namespace {

using data::Image;

Image decoded_golden(const std::string& file, const data::DecodeOptions& o = {}) {
  return data::decode_image(reinterpret_cast<const std::uint8_t*>(file.data()), file.size(), "x", o);
}

// The error message, which is one line that begins with the name; "" if the file is decoded.
std::string refusal_of_golden(const std::string& file) {
  std::string text = message_of<engine::DataError>([&] { decoded_golden(file); });
  if (!text.empty()) CHECK((text.starts_with("x: ") && text.find('\n') == std::string::npos));
  return text;
}

// The format that a golden image is of: its first word, without the comma.
const data::OptionalFormat& format_of(const GoldenImage& image) {
  const std::string word = image.name.substr(0, image.name.find_first_of(" ,"));
  for (const data::OptionalFormat& f : data::optional_formats()) {
    std::string lower = f.format;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    if (lower == word) return f;
  }
  throw std::runtime_error("no format " + word);
}

// The golden images that this build reads.
std::vector<GoldenImage> readable_images() {
  std::vector<GoldenImage> images = golden_images();
  std::erase_if(images, [](const GoldenImage& image) { return format_of(image).version.empty(); });
  return images;
}

bool is_built_in(const std::string& format) {
  return std::ranges::any_of(data::optional_formats(), [&](const data::OptionalFormat& f) {
    return f.format == format && !f.version.empty();
  });
}

int greatest_difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  if (a.size() != b.size()) return 256;
  int greatest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) greatest = std::max(greatest, std::abs(int(a[i]) - int(b[i])));
  return greatest;
}

}  // namespace

TEST_CASE("WebP, TIFF and GIF have Pillow's pixels; the libraries print nothing") {
  CHECK(golden_images().size() >= 90);
  CapturedStderr printed;
  for (const GoldenImage& golden : readable_images()) {
    INFO(golden.name);
    const Image image = decoded_golden(golden.file);
    CHECK(image.format == format_of(golden).format);
    CHECK(image.height == golden.height);
    CHECK(image.width == golden.width);
    CHECK(greatest_difference(image.pixels, golden.pixels) <= golden.differ);
  }
  CHECK(printed.text() == "");
}

TEST_CASE("a format whose library the build lacks is named, with the package to install") {
  for (const GoldenImage& golden : golden_images()) {
    const data::OptionalFormat& format = format_of(golden);
    const std::string lacks = "x: is a " + format.format +
                              " image, which this build of dyad can't read: install " + format.package +
                              " and build dyad again, or convert it to JPEG or PNG";
    CHECK(refusal_of_golden(golden.file) == (format.version.empty() ? lacks : ""));
  }
}

TEST_CASE("WebP, TIFF and GIF: a file that is cut anywhere is refused, and the libraries print nothing") {
  CapturedStderr printed;
  for (const GoldenImage& golden : readable_images()) {
    if (golden.name == "tiff of two pages") continue;  // the second one may be cut
    // the last four bytes of a TIFF may be its place for the next page: no pixel needs them
    const std::size_t needed = golden.file.size() - (golden.name.starts_with("tiff") ? 4 : 0);
    for (std::size_t size = 0; size < needed; ++size) {
      INFO(golden.name, ", cut at ", size, " of ", golden.file.size());
      CHECK(!refusal_of_golden(golden.file.substr(0, size)).empty());
    }
  }
  CHECK(printed.text() == "");
}

TEST_CASE(
    "WebP, TIFF and GIF: a file with a changed byte is decoded or refused; the libraries print nothing") {
  CapturedStderr printed;
  int refused = 0;
  for (const GoldenImage& golden : readable_images())
    for (std::size_t at = 0; at < golden.file.size(); ++at) {
      const unsigned char masks[] = {0x01, 0x10, 0xff};
      std::string changed = golden.file;
      changed[at] = char(static_cast<unsigned char>(changed[at]) ^ masks[at % 3]);
      INFO(golden.name, ", byte ", at, " of ", golden.file.size());
      if (!refusal_of_golden(changed).empty()) ++refused;  // any other exception fails the test
    }
  CHECK((refused > 1000 || readable_images().empty()));
  CHECK(printed.text() == "");
}

TEST_CASE("WebP, TIFF and GIF are shrunk by the means of blocks") {
  for (const GoldenImage& golden : readable_images()) {
    INFO(golden.name);
    Image whole = decoded_golden(golden.file);
    data::shrink(whole, 2);
    const int side = std::min(golden.height, golden.width) / 2;
    CHECK(decoded_golden(golden.file, {.shrink = side}).pixels == whole.pixels);
  }
}

TEST_CASE("WebP: the EXIF orientation is noted, and applied if asked for") {
  if (!is_built_in("WebP")) return;
  const std::string file = golden_file("webp exif 6");
  const Image stored = decoded_golden(file), turned = decoded_golden(file, {.apply_exif = true});
  CHECK(stored.orientation == 6);
  CHECK(turned.height == stored.width);
  const std::size_t lower_left = std::size_t(stored.height - 1) * std::size_t(stored.width) * 3;
  CHECK(turned.pixels[0] == stored.pixels[lower_left]);
  // with the marker of JPEG before it, and with another tag than the orientation
  std::string marked = file;
  const std::size_t chunk = file.find("EXIF");
  REQUIRE(chunk != std::string::npos);
  const auto add = [&](std::size_t at) { marked[at] = char(static_cast<unsigned char>(marked[at]) + 6); };
  add(4), add(chunk + 4);
  marked.insert(chunk + 8, std::string("Exif\0\0", 6));
  CHECK(decoded_golden(marked).orientation == 6);
  CHECK(decoded_golden(golden_file("webp lossless RGB")).orientation == 1);
}

TEST_CASE("TIFF: its orientation is applied once, and counts as none afterwards") {
  if (!is_built_in("TIFF")) return;
  const std::string file = golden_file("tiff orientation 6");
  CHECK(decoded_golden(file).orientation == 1);
  CHECK(decoded_golden(file).pixels == decoded_golden(file, {.apply_exif = true}).pixels);
}

TEST_CASE("TIFF: 16 bits are reduced as the options say; alpha and others are no part of the range") {
  if (!is_built_in("TIFF")) return;
  const std::string file = golden_file("tiff grey 16 bits, little");
  const Image high = decoded_golden(file),
              range = decoded_golden(file, {.sixteen = data::DecodeOptions::Sixteen::stretch});
  CHECK(high.sixteen_bit);
  CHECK(high.greatest > high.least);
  CHECK(*std::ranges::min_element(range.pixels) == 0);
  CHECK(*std::ranges::max_element(range.pixels) == 255);
  CHECK(decoded_golden(golden_file("tiff grey 16 bits, 0 is white")).least == high.least);
  CHECK_FALSE(decoded_golden(golden_file("tiff cmyk 16 bits")).sixteen_bit);
}

TEST_CASE("WebP, TIFF and GIF decode in several threads at once") {
  const std::vector<GoldenImage> images = readable_images();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&images, &wrong] {
      for (const GoldenImage& golden : images) {
        if (greatest_difference(decoded_golden(golden.file).pixels, golden.pixels) > golden.differ) ++wrong;
        // errors as well: libtiff's handlers are those of a file
        try {
          decoded_golden(golden.file.substr(0, golden.file.size() / 2));
          if (golden.name != "tiff of two pages") ++wrong;
        } catch (const engine::DataError&) {
        }
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
}
