// A data set: labelled images, accessed by index.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/part.h"
#include "engine/error.h"

namespace data {

// 8-bit RGB, row by row: pixels[(y * width + x) * 3 + channel].
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
  std::optional<Source> source = {};  // if the pixels are only a part of the image

  const char* format = "";      // of the file: "JPEG", "PNG" ...
  int orientation = 1;          // the EXIF orientation of the file, 1 to 8
  bool sixteen_bit = false;     // the file's samples have 16 bits
  int least = 0, greatest = 0;  // of these samples, without alpha
};

// How image files are decoded.
struct DecodeOptions {
  // How 16-bit samples become 8 bits: their high byte, or a range that is spread over 0 to 255.
  enum class Sixteen { high, stretch, range };  // stretch: from the image's least to its greatest sample
  Sixteen sixteen = Sixteen::high;
  int low = 0, high = 65535;  // of `range`; samples outside of it become 0 or 255
  bool apply_exif = false;    // turn and mirror the image by its EXIF orientation
  int shrink = 0;  // decode at 1/2, 1/4 or 1/8 of the size while the shorter side keeps this many pixels
};

class Dataset {
 public:
  enum class Kind { cifar10, cifar100, stl10, image_folder, other };

  virtual ~Dataset() = default;
  virtual Kind kind() const { return Kind::other; }
  virtual std::size_t size() const = 0;
  virtual const std::vector<std::string>& classes() const = 0;  // their names as text, by label
  virtual int label(std::size_t i) const = 0;                   // -1 if it has none
  virtual std::string name(std::size_t i) const = 0;            // file, and record within the file
  virtual std::string file(std::size_t) const { return ""; }    // the path of the file it is in, if known
  // The bytes of the file that is this image; empty if it is a record or pixels.
  virtual std::vector<std::uint8_t> file_bytes(std::size_t) const { return {}; }
  virtual std::string entry(std::size_t i) const { return std::to_string(i); }  // the image's line in a list
  virtual std::string title() const { return "images"; }  // for describe(): "image folder, train/"
  virtual std::string unlabelled() const { return ""; }   // why evaluation can't use its labels; "" if it can
  virtual std::int64_t pixel_bytes() const { return -1; }  // of all images; -1 if unknown before decoding
  virtual std::string remark() const { return ""; }        // appended by describe(): "passed over: 3 .webp"
  virtual std::string held_out() const { return ""; }      // a list of the images that are kept for a test
  virtual std::vector<std::string> passed_over() const { return {}; }  // a line for each reason, with names
  // Reuses `into`'s memory. Thread-safe. DataError, with the image's name, if the image can't be decoded: the
  // only error that BadImages::skip passes over.
  virtual void read(std::size_t i, Image& into) const = 0;
  // The same, but the reader may leave out what is not needed; `into.source` then says what it gives.
  virtual void read_part(std::size_t i, const ChoosePart& /*needed*/, Image& into) const {
    into.source.reset();
    read(i, into);
  }
  Image image(std::size_t i) const {
    Image image;
    read(inside(i), image);
    return image;
  }

  // How files are decoded from now on; called before images are read. Which images there are stays the same.
  virtual void decode_as(const DecodeOptions& o) const { decode_ = o; }
  // A line about each thing of the files read so far that a user may not expect: "16-bit images: ...".
  virtual std::vector<std::string> decoding_notes() const;

 protected:
  std::size_t inside(std::size_t i) const {
    engine::require(i < size(), "Dataset: image ", i, ", expected less than ", size());
    return i;
  }
  // The image in the bytes of a file, or what is needed of it.
  void decode_file(const std::uint8_t* bytes, std::size_t size, const std::string& name, Image& into,
                   const ChoosePart& needed = {}) const;

 private:
  mutable DecodeOptions decode_;
  mutable std::atomic<bool> sixteen_bit_ = false;  // one of the files read so far was
  mutable std::atomic<bool> turned_ = false;       // one of them has an EXIF orientation that is not applied
};

enum class Split {
  train,
  test,       // the evaluated split: test/, or val/ if test/ isn't there or has no labels
  pretrain,   // for training without labels: train and unlabelled images
  only_val,   // val/, which CIFAR and STL-10 don't have
  only_test,  // test/
};

// Opens a folder that holds
//   CIFAR-10:  data_batch_1.bin, data_batch_2.bin, ... and test_batch.bin, or
//   CIFAR-100: train.bin and test.bin, or
//   STL-10:    train_X.bin, train_y.bin, test_X.bin, test_y.bin and unlabeled_X.bin, or
//   image files: train/CLASS/FILE with val/CLASS/FILE or test/CLASS/FILE, or any folder of images, which has
//   no test split;
// or a packed data set (pack/pack_index.h), or tar files (formats/tar_images.h), or a text file that lists
// image files, for pretraining. labels: a file with the classes of image files (formats/label_file.h); "":
// none. Throws DataError, one line, if the folder or a file is invalid.
std::unique_ptr<Dataset> open_dataset(const std::string& path, Split, const std::string& labels = "");

// Whether the folder or the file is there, or the first one of a pattern of tar files.
bool is_there(const std::string& path);

// Whether the folder has files for a split, without checking them. DataError if it is not a folder.
bool has_split(const std::string& path, Split);

// DataError, which says what is missing, if a data set has no labels.
void require_labels(const Dataset&);

// One line: format, images, classes, size, and what was passed over.
std::string describe(const Dataset&);

}  // namespace data
