// Commands that look at recipes, data sets and views.
#pragma once

#include <cstdint>
#include <string>

#include "apps/options/pretrain.h"

namespace apps {

struct PreviewOptions : ViewOptions, DecodingOptions {
  std::string data;
  std::string bad_images = "stop";
  std::string method = "simclr";
  std::string out = "preview.png";
  int images = 8;
  std::uint64_t seed = 0;
};

struct RecipesOptions {
  std::string folder;
  std::string json;
};

struct DataCheckOptions {
  std::string data;
  int threads = -1;
  std::string json;
};

struct DataPackOptions : DecodingOptions {
  std::string data, out;
  std::string label_file;
  std::string encode = "keep";
  int shorter_side = 0;
  int shard_size = 256;
  int threads = -1;
  std::string bad_images = "stop";
  std::string json;
};

struct DataUnpackOptions {
  std::string data, out;
};

struct ViewsOptions {
  std::string in, out;
  int size = 32;
  std::string view_rules = "torchvision";
  std::string device = "cpu";
  std::string threads = "host";
};

Fields fields(RecipesOptions&);
Fields fields(PreviewOptions&);
Fields fields(DataCheckOptions&);
Fields fields(DataPackOptions&);
Fields fields(DataUnpackOptions&);
Fields fields(ViewsOptions&);

}  // namespace apps
