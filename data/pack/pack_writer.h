// Packs a data set: reads the images of all its splits once, and writes the files that pack_index.h
// describes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/loader.h"

namespace data {

struct PackOptions {
  enum class Encode {
    keep,  // the bytes of its file; of a record (CIFAR, STL-10) its pixels
    raw,   // its pixels, 8-bit RGB
    jpeg   // a JPEG of its pixels
  };
  Encode encode = Encode::keep;
  int quality = 95;           // of Encode::jpeg
  int shorter_side = 0;       // not with Encode::keep: shrink_to_shorter_side(); 0: as they are
  DecodeOptions decode = {};  // not with Encode::keep
  std::uint64_t shard_bytes = std::uint64_t(256) << 20;  // a shard ends with the image that reaches it
  int threads = 1;
  BadImages bad_images = BadImages::stop;  // skip: leave out an image that can't be decoded
};

struct PackResult {
  std::size_t images = 0, shards = 0;
  std::uint64_t bytes = 0;           // of all files
  std::vector<std::string> skipped;  // the error of each image that was left out
};

// Packs the data set at `data` into `folder`, which is there and empty. Every image is decoded once, so what
// is in the pack can be read. labels: as open_dataset has it. The index is written last. progress: is called
// with the number of images done. DataError as open_dataset and Dataset::read, WriteError if a file can't be
// written.
PackResult write_pack(const std::string& data, const std::string& labels, const std::string& folder,
                      const PackOptions&, const std::function<void(std::size_t)>& progress = {});

}  // namespace data
