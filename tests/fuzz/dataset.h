// What the targets of record files (CIFAR, STL-10) share.
#pragma once

#include <algorithm>
#include <string_view>

#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

namespace fuzz {

// Pieces of the input, from its front: a byte, and a text of a byte's length before it.
class Pieces {
 public:
  Pieces(const std::uint8_t* bytes, std::size_t size) : rest_(reinterpret_cast<const char*>(bytes), size) {}
  unsigned byte() { return static_cast<unsigned char>(take(1, "\0")[0]); }
  std::string text() { return take(byte(), ""); }
  // All that is left; `whole`: made longer by zeros to a multiple of `record`, as most lengths would not be.
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

// Everything that can be asked of a dataset that was taken.
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
