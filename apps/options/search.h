// Commands that search images by their features: `dyad index` and `dyad search`.
#pragma once

#include <string>

#include "apps/options/fields.h"

namespace apps {

struct IndexOptions {
  std::string embeddings, out;
  std::string kind = "exact";
};

struct SearchOptions {
  std::string run, checkpoint, index, query;
  int k = 10;
  bool exact = false, skip_self = false;
  std::string bad_images = "auto";
  int batch = 256;
  std::string device = "cpu";
  int threads = 2;
  std::string html, json;
};

Fields fields(IndexOptions&);
Fields fields(SearchOptions&);

}  // namespace apps
