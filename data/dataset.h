// Photographs with labels, by index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace data {

// 8-bit RGB, row by row: pixels[(y * width + x) * 3 + channel].
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

class Dataset {
 public:
  enum class Kind { cifar10, cifar100, image_folder };

  virtual ~Dataset() = default;
  virtual Kind kind() const = 0;
  virtual std::size_t size() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;  // their names, by label
  virtual int label(std::size_t i) const = 0;
  virtual std::string name(std::size_t i) const = 0;        // file and place in it
  virtual std::int64_t pixel_bytes() const { return -1; }   // of all images; -1: known only when decoded
  virtual void read(std::size_t i, Image& into) const = 0;  // into its memory; called by many threads at once
  Image image(std::size_t i) const {
    Image image;
    read(i, image);
    return image;
  }
};

enum class Split { train, test, all };

// Opens a folder that holds
//   CIFAR-10:  data_batch_1.bin, data_batch_2.bin, ... and test_batch.bin, or
//   CIFAR-100: train.bin and test.bin, or
//   image files: train/CLASS/FILE and val/CLASS/FILE (or test/), or CLASS/FILE, which has no test split.
// Anything wrong with it is a DataError of one line.
std::unique_ptr<Dataset> open_dataset(const std::string& path, Split);

// One line: kind, images, classes, size.
std::string describe(const Dataset&);

}  // namespace data
