// A subset of a data set: the labelled images for fine-tuning, or a few images for a quick test.
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
  void decode_as(const DecodeOptions& o) const override { whole_.decode_as(o); }
  std::string decoding_note() const override { return whole_.decoding_note(); }
  void read(std::size_t i, Image& into) const override { whole_.read(indices_.at(i), into); }

 private:
  const Dataset& whole_;
  std::vector<std::size_t> indices_;
};

// Draws the same share of each class by the seed: rounded, and at least one image per class. Ascending.
std::vector<std::size_t> draw_share(const Dataset&, double share, std::uint64_t seed);

// The images listed in a file, one per line, in the file's order. For image folders a line is FILE or
// CLASS/FILE, as in published splits. For CIFAR it is the record number, counted from 0 over all files.
// DataError with the line number if an entry is unknown, ambiguous or listed twice.
std::vector<std::size_t> read_list(const Dataset&, const std::string& path);

// The line for one image in such a list.
std::string list_entry(const Dataset&, std::size_t i);

}  // namespace data
