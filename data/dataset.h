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

  const char* format = "";  // of the file: "JPEG", "PNG" ...
  int orientation = 1;      // that EXIF asks for, 1 to 8; it is not applied
};

class Dataset {
 public:
  enum class Kind { cifar10, cifar100, stl10, image_folder };

  virtual ~Dataset() = default;
  virtual Kind kind() const = 0;
  virtual std::size_t size() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;  // their names, by label
  virtual int label(std::size_t i) const = 0;                   // -1: it has none
  virtual std::string name(std::size_t i) const = 0;            // file and place in it
  virtual std::int64_t pixel_bytes() const { return -1; }       // of all images; -1: known only when decoded
  virtual std::string remark() const { return ""; }         // what describe() adds: "passed over: 3 .webp"
  virtual void read(std::size_t i, Image& into) const = 0;  // into its memory; called by many threads at once
  Image image(std::size_t i) const {
    Image image;
    read(i, image);
    return image;
  }
};

enum class Split {
  train,
  test,
  all,      // both
  pretrain  // what may be learned from without labels: train, and images that have none
};

// Opens a folder that holds
//   CIFAR-10:  data_batch_1.bin, data_batch_2.bin, ... and test_batch.bin, or
//   CIFAR-100: train.bin and test.bin, or
//   STL-10:    train_X.bin, train_y.bin, test_X.bin, test_y.bin and unlabeled_X.bin, or
//   image files: train/CLASS/FILE and val/CLASS/FILE (or test/), or CLASS/FILE, which has no test split.
// Anything wrong with it is a DataError of one line.
std::unique_ptr<Dataset> open_dataset(const std::string& path, Split);

// Whether the folder has something for a split, right or wrong. DataError if it is no folder.
bool has_split(const std::string& path, Split);

// One line: kind, images, classes, size.
std::string describe(const Dataset&);

}  // namespace data
