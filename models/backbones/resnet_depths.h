// The residual networks by name: how many blocks each stage has (He et al. 2016, table 1).
#pragma once

#include <array>
#include <string>
#include <vector>

namespace models {

struct ResNetDepth {
  const char* name;
  std::array<int, 4> blocks;  // of each stage
  bool bottlenecks;           // 1x1, 3x3 and 1x1 convolutions in a block, in place of two 3x3
};

// resnet10 (one block a stage), resnet18, resnet34, resnet50, resnet101 and resnet152.
std::vector<std::string> resnet_names();
const ResNetDepth& resnet_depth(const std::string& name);  // UsageError for another name

}  // namespace models
