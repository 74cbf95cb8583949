// A data set: labelled images, accessed by index.
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
  int orientation = 1;      // the EXIF orientation, 1 to 8; it is not applied
};

class Dataset {
 public:
  enum class Kind { cifar10, cifar100, stl10, image_folder };

  virtual ~Dataset() = default;
  virtual Kind kind() const = 0;
  virtual std::size_t size() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;  // their names, by label
  virtual int label(std::size_t i) const = 0;                   // -1 if it has none
  virtual std::string name(std::size_t i) const = 0;            // file, and record within the file
  virtual std::int64_t pixel_bytes() const { return -1; }   // of all images; -1 if unknown before decoding
  virtual std::string remark() const { return ""; }         // appended by describe(): "passed over: 3 .webp"
  virtual void read(std::size_t i, Image& into) const = 0;  // reuses `into`'s memory; thread-safe
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
  pretrain  // for training without labels: train and unlabelled images
};

// Opens a folder that holds
//   CIFAR-10:  data_batch_1.bin, data_batch_2.bin, ... and test_batch.bin, or
//   CIFAR-100: train.bin and test.bin, or
//   STL-10:    train_X.bin, train_y.bin, test_X.bin, test_y.bin and unlabeled_X.bin, or
//   image files: train/CLASS/FILE and val/CLASS/FILE (or test/), or CLASS/FILE, which has no test split.
// Throws DataError, one line, if the folder or a file is invalid.
std::unique_ptr<Dataset> open_dataset(const std::string& path, Split);

// Whether the folder has files for a split, without checking them. DataError if it is not a folder.
bool has_split(const std::string& path, Split);

// One line: format, images, classes, size.
std::string describe(const Dataset&);

}  // namespace data
