// A data set whose pixels all lie in a device's memory: a batch is then no more than indices.
#pragma once

#include <string>
#include <vector>

#include "data/loader.h"
#include "engine/tensor.h"

namespace data {

struct Place {          // of an image's pixels
  std::int64_t offset;  // in bytes
  std::int32_t height, width;
  std::uint32_t sample;  // whose pixels they are: another's where an image can't be decoded
};

struct Resident {
  engine::Tensor pixels;      // u8, 8-bit RGB, one image after the other
  std::vector<Place> places;  // by sample

  std::vector<std::string> skipped;  // what was wrong with images in whose place others are

  // Reads, decodes and uploads every image, with the loader's threads. seed: the loader's, by which images in
  // the place of bad ones are drawn.
  Resident(const Dataset&, engine::Device, int threads, BadImages = BadImages::stop, std::uint64_t seed = 0);
};

// Whether the pixels are better kept on the device: it is a GPU, their number is known without decoding, and
// they take at most a quarter of the memory that is free.
bool worth_residing(const Dataset&, engine::Device);

}  // namespace data
