// Shared by the fuzz targets of record files (CIFAR, STL-10).
#pragma once

#include <algorithm>
#include <string_view>

#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

namespace fuzz {

// Splits the input from its front: a byte, or a text with a length byte before it.
class Pieces {
 public:
  Pieces(const std::uint8_t* bytes, std::size_t size) : rest_(reinterpret_cast<const char*>(bytes), size) {}
  unsigned byte() { return static_cast<unsigned char>(take(1, "\0")[0]); }
  std::string text() { return take(byte(), ""); }
  // The rest of the input. `whole`: padded with zeros to a multiple of `record`, since most lengths are not.
  std::string records(bool whole, std::size_t record) {
    std::string all = take(rest_.size(), "");
    if (whole) all.resize((all.size() + record - 1) / record * record);
    return all;
  }

 private:
  std::string take(std::size_t count, const char* none) {
    const std::string taken(rest_.substr(0, count));
    rest_.remove_prefix(taken.size());
    return taken.empty() && count == 1 ? std::string(none, 1) : taken;
  }
  std::string_view rest_;
};

// Calls every function of an accepted dataset.
inline void read_all(const data::Dataset& dataset, bool labelled) {
  data::Image image;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const int label = dataset.label(i);
    expect(label >= (labelled ? 0 : -1) && label < int(dataset.classes().size()), "a label of a class");
    expect(!dataset.name(i).empty(), "a name");
    dataset.read(i, image);
    expect_whole(image);
  }
}

}  // namespace fuzz
