// A part of a data set: the labelled images of a fine-tuning, the images of a quick look.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace data {

class Subset final : public Dataset {
 public:
  // `whole` must outlive it. The images come in the order of `indices`.
  Subset(const Dataset& whole, std::vector<std::size_t> indices);

  Kind kind() const override { return whole_.kind(); }
  std::size_t size() const override { return indices_.size(); }
  const std::vector<std::string>& classes() const override { return whole_.classes(); }
  int label(std::size_t i) const override { return whole_.label(indices_.at(i)); }
  std::string name(std::size_t i) const override { return whole_.name(indices_.at(i)); }
  void read(std::size_t i, Image& into) const override { whole_.read(indices_.at(i), into); }

 private:
  const Dataset& whole_;
  std::vector<std::size_t> indices_;
};

// The same share of each class, rounded, and at least one image of each; drawn by the seed; ascending.
std::vector<std::size_t> draw_share(const Dataset&, double share, std::uint64_t seed);

// The images that a file lists, one a line, in the file's order. Of image folders FILE or CLASS/FILE, as the
// lists of published splits have them; of CIFAR the number of the record, counted from 0 over all files.
// DataError with the line for what is not there, ambiguous, or there twice.
std::vector<std::size_t> read_list(const Dataset&, const std::string& path);

// A line of such a list.
std::string list_entry(const Dataset&, std::size_t i);

}  // namespace data
