// A subset of a data set: the labelled images for fine-tuning, or a few images for a quick test.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace data {

class Subset final : public Dataset {
 public:
  // `whole` must outlive it. The images come in the order of `indices`.
  Subset(const Dataset& whole, std::vector<std::size_t> indices);
  // note: which part of it this is, for describe().  held_out: the list of the others.
  Subset(std::shared_ptr<const Dataset> whole, std::vector<std::size_t> indices, std::string note,
         std::string held_out = "");

  Kind kind() const override { return whole_->kind(); }
  std::size_t size() const override { return indices_.size(); }
  const std::vector<std::string>& classes() const override { return whole_->classes(); }
  int label(std::size_t i) const override { return whole_->label(indices_[inside(i)]); }
  std::string name(std::size_t i) const override { return whole_->name(indices_.at(i)); }
  std::string file(std::size_t i) const override { return whole_->file(indices_.at(i)); }
  std::vector<std::uint8_t> file_bytes(std::size_t i) const override {
    return whole_->file_bytes(indices_.at(i));
  }
  std::string title() const override { return whole_->title(); }
  std::string entry(std::size_t i) const override { return whole_->entry(indices_.at(i)); }
  std::string unlabelled() const override { return whole_->unlabelled(); }
  std::vector<std::string> passed_over() const override { return whole_->passed_over(); }
  std::string remark() const override;
  std::string held_out() const override { return held_out_; }
  void decode_as(const DecodeOptions& o) const override { whole_->decode_as(o); }
  std::vector<std::string> decoding_notes() const override { return whole_->decoding_notes(); }
  void read(std::size_t i, Image& into) const override { whole_->read(indices_.at(i), into); }
  void read_part(std::size_t i, const ChoosePart& needed, Image& into) const override {
    whole_->read_part(indices_.at(i), needed, into);
  }

 private:
  std::shared_ptr<const Dataset> whole_;
  std::vector<std::size_t> indices_;
  std::string note_, held_out_;
};

// Draws the same share of each class by the seed: rounded, and at least one image per class. Ascending.
std::vector<std::size_t> draw_share(const Dataset&, double share, std::uint64_t seed);

// A test split: about this share of each class, drawn by the seed, ascending. Each class of two or more
// images keeps at least one on either side; images without a label are never drawn. DataError if the images
// have no class folders, or if no class has two images.
std::vector<std::size_t> draw_test_split(const Dataset&, double share, std::uint64_t seed);

// All images but these, with a remark that says so.
std::unique_ptr<Dataset> without(const std::shared_ptr<const Dataset>& whole,
                                 const std::vector<std::size_t>& indices);

std::string entries_text(const Dataset&);  // a line for each image: Dataset::entry()

// The images that such a list names. missing: the first line whose image is not there, or "".
struct FoundImages {
  std::vector<std::size_t> indices;
  std::string missing;
};
FoundImages find_images(const Dataset&, const std::string& path);

// The images listed in a file, one per line, in the file's order. For image folders a line is FILE or
// CLASS/FILE, as in published splits. For CIFAR it is the record number, counted from 0 over all files.
// DataError with the line number if an entry is unknown, ambiguous or listed twice.
std::vector<std::size_t> read_list(const Dataset&, const std::string& path);

// The line for one image in such a list.
std::string list_entry(const Dataset&, std::size_t i);

}  // namespace data
