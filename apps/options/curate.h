// dyad curate.
#pragma once

#include <string>

#include "apps/options/fields.h"

namespace apps {

struct CurateOptions {
  std::string embeddings, out;
  std::string against, keep_out, data;
  double threshold = -1;  // auto: 0.95
  int pairs = 0;          // above 0: the closest pairs, in place of the threshold
  std::string prefer = "auto";
  int neighbour = 10;
  double outliers = 0;
  int subset = 0;
  std::string by = "k-center";
  int clusters = 20;
  int map = 1000;
  std::string device = "cpu";
  std::string json;
};

Fields fields(CurateOptions&);

}  // namespace apps
