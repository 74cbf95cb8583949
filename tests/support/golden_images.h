// The images of tests/golden/images.bin, which scripts/lab/image_golden.py makes: WebP, TIFF and GIF files,
// and the pixels that Pillow reads from them.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

struct GoldenImage {
  std::string name;                  // "webp lossless RGB": the format comes first
  int differ;                        // how much a level may differ, between versions of the libraries
  int height, width;                 // of the pixels
  std::string file;                  // its bytes
  std::vector<std::uint8_t> pixels;  // height x width x 3
};

// Run at the top of the tree. Throws if the file can't be read.
inline std::vector<GoldenImage> golden_images() {
  std::ifstream in("tests/golden/images.bin", std::ios::binary);
  const auto bytes = [&in](std::size_t count) {
    std::string text(count, '\0');
    if (!in.read(text.data(), std::streamsize(count)))
      throw std::runtime_error("tests/golden/images.bin ends early or isn't there");
    return text;
  };
  const auto number = [&bytes] {
    std::int32_t value;
    std::memcpy(&value, bytes(4).data(), 4);
    return value;
  };
  if (bytes(8) != "DYADIMG1") throw std::runtime_error("tests/golden/images.bin isn't of DYADIMG1");
  std::vector<GoldenImage> images;
  images.resize(std::size_t(number()));
  for (GoldenImage& image : images) {
    image.name = bytes(48).c_str();
    image.differ = number();
    image.height = number();
    image.width = number();
    image.file = bytes(std::size_t(number()));
    const std::string pixels = bytes(std::size_t(image.height) * std::size_t(image.width) * 3);
    image.pixels.assign(pixels.begin(), pixels.end());
  }
  return images;
}

// The file of one of them.
inline std::string golden_file(const std::string& name) {
  for (const GoldenImage& image : golden_images())
    if (image.name == name) return image.file;
  throw std::runtime_error("tests/golden/images.bin has no image " + name);
}
