// Commands that look at the machine: `dyad info` and `dyad bench collectives`.
#pragma once

#include <string>

#include "apps/options/pretrain.h"

namespace apps {

struct InfoOptions {
  std::string arch = "resnet18";
  std::string stem = "cifar";
  double width = 1;
  int batch = 128;
  int size = 32;
  std::string dtype = "f32";
  std::string json = "";
};

struct CollectivesOptions : RankOptions {
  long min_bytes = 1 << 10, max_bytes = 64 << 20;
  std::string dtype = "f32";
  int repeat = 20;
  std::string json;
};

Fields fields(InfoOptions&);
Fields fields(CollectivesOptions&);

}  // namespace apps
