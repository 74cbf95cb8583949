// Small pictures of the images that features are of, where the images can be read.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace apps {

class Thumbnails {
 public:
  // data: the data set of the images, "" if their names are those of files.
  explicit Thumbnails(const std::string& data);

  // A data URI; "" if the image can't be found or read.
  std::string of(const std::string& name);
  int missing() const { return missing_; }

 private:
  std::vector<std::unique_ptr<data::Dataset>> sets_;
  std::unordered_map<std::string, std::pair<const data::Dataset*, std::size_t>> places_;
  std::unordered_map<std::string, std::string> made_;
  int missing_ = 0;
};

}  // namespace apps
