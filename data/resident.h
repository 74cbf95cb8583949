// A data set whose pixels all lie in a device's memory. A batch then consists of indices only.
#pragma once

#include <string>
#include <vector>

#include "data/loader.h"
#include "engine/tensor.h"

namespace data {

struct Place {          // location of an image's pixels
  std::int64_t offset;  // in bytes
  std::int32_t height, width;
  std::uint32_t sample;  // the sample; a replacement if the image cannot be decoded
  std::int32_t label;    // of this sample
};

struct Resident {
  engine::Tensor pixels;      // u8, 8-bit RGB, all images concatenated
  std::vector<Place> places;  // by sample

  std::vector<std::string> skipped;  // the error of each image that was replaced

  // Reads, decodes and uploads every image, with `threads` loader threads. seed: the loader's seed, which
  // also chooses the replacements of bad images.
  Resident(const Dataset&, engine::Device, int threads, BadImages = BadImages::stop, std::uint64_t seed = 0);
};

// Whether to keep the pixels on the device: it is a GPU, their size is known without decoding, and they take
// at most a quarter of the free memory.
bool worth_residing(const Dataset&, engine::Device);

}  // namespace data
