// A data set of image files, which are decoded on access.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/formats/passed_over.h"

namespace data {

class ImageFiles final : public Dataset {
 public:
  // All members are filled by the functions that open a folder or a list.
  struct Content {
    std::string title;   // "image folder, train/"
    std::string folder;  // names in lists are relative to it
    std::vector<std::string> classes = {};
    std::vector<std::string> files = {};
    std::vector<int> labels = {};  // of each file, -1: none
    std::string unlabelled = {};   // why images have no labels; "" if evaluation can use them
    std::string note = {};         // another remark: "labels of val.txt"
    PassedOver passed_over = {};
  };
  explicit ImageFiles(Content content);

  Kind kind() const override { return Kind::image_folder; }
  std::string title() const override { return c_.title; }
  std::size_t size() const override { return c_.files.size(); }
  const std::vector<std::string>& classes() const override { return c_.classes; }
  int label(std::size_t i) const override { return c_.labels[inside(i)]; }
  std::string unlabelled() const override { return c_.unlabelled; }
  std::string name(std::size_t i) const override;
  std::string entry(std::size_t i) const override;
  std::string file(std::size_t i) const override { return c_.files.at(i); }
  std::vector<std::uint8_t> file_bytes(std::size_t i) const override;
  std::string remark() const override;
  std::vector<std::string> passed_over() const override { return c_.passed_over.lines(); }
  void read(std::size_t i, Image& into) const override { read_part(i, {}, into); }
  void read_part(std::size_t i, const ChoosePart& needed, Image& into) const override;

 private:
  Content c_;  // classes as text (printable), files as paths
};

}  // namespace data
