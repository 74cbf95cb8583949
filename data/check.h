// Decodes every image of a data set once, on all cores, for `dyad data check`.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace data {

struct Extent {
  int height = 0, width = 0;
};

// The hash of an image's size and pixels. 16 bytes for each image are all that is kept in memory.
struct PixelHash {
  std::uint64_t hash;
  std::uint32_t image;  // its index
};

struct CheckResult {
  std::size_t images = 0;
  std::vector<std::string> broken;             // one error line per image, in the order of the data set
  std::vector<std::size_t> broken_images;      // their indices
  std::map<std::string, std::size_t> formats;  // counts valid images by format
  Extent smallest, largest;                    // by the number of pixels
  std::size_t turned = 0;                      // images with an EXIF orientation other than upright
  std::size_t sixteen_bit = 0;                 // images with samples of 16 bits
  int least = 65535, greatest = 0;             // of these samples
  std::vector<PixelHash> hashes = {};          // of the valid images, by hash and index
};

// progress: one thread calls it from time to time with the number of images done.
CheckResult check(const Dataset&, int threads, const std::function<void(std::size_t)>& progress = {});

// The images that can be decoded, after each was decoded once. The data set's remark says how many are left
// out. DataError if none is left.
std::unique_ptr<Dataset> without_broken(std::unique_ptr<Dataset>, int threads);

// Images that are there more than once: files of the same bytes, or records of the same pixels.
struct Duplicates {
  std::size_t superfluous = 0;                    // images that have an equal one before them
  std::size_t groups = 0;                         // of equal images
  std::vector<std::vector<std::size_t>> shown{};  // the first groups, by their first image
};
Duplicates duplicates(const Dataset&, const CheckResult&, std::size_t shown);

// Images of one data set whose pixels another one has too.
struct Overlap {
  std::size_t images = 0;
  std::vector<std::pair<std::size_t, std::size_t>> shown{};  // the first ones, each with its equal
};
Overlap overlap(const CheckResult& of, const CheckResult& with, std::size_t shown);

}  // namespace data
