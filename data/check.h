// Decodes every image of a data set once, on all cores, for `dyad data check`.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace data {

struct Extent {
  int height = 0, width = 0;
};

struct CheckResult {
  std::size_t images = 0;
  std::vector<std::string> broken;             // one error line per image, in the order of the data set
  std::map<std::string, std::size_t> formats;  // counts valid images by format
  Extent smallest, largest;                    // by the number of pixels
  std::size_t turned = 0;                      // images with an EXIF orientation other than upright
};

// progress: one thread calls it from time to time with the number of images done.
CheckResult check(const Dataset&, int threads, const std::function<void(std::size_t)>& progress = {});

}  // namespace data
