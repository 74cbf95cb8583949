// Every image of a data set decoded once, with all cores: what `dyad data check` says.
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
  std::vector<std::string> broken;             // what is wrong, a line each, in the order of the data set
  std::map<std::string, std::size_t> formats;  // of whole images
  Extent smallest, largest;                    // by the number of pixels
  std::size_t turned = 0;                      // whose EXIF orientation is not upright
};

// progress: told how many have been done, by one thread, every now and then.
CheckResult check(const Dataset&, int threads, const std::function<void(std::size_t)>& progress = {});

}  // namespace data
