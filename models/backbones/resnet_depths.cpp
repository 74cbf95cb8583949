#include "models/backbones/resnet_depths.h"

#include "engine/error.h"

namespace models {
namespace {

constexpr std::array<ResNetDepth, 6> depths = {{{"resnet10", {1, 1, 1, 1}, false},
                                                {"resnet18", {2, 2, 2, 2}, false},
                                                {"resnet34", {3, 4, 6, 3}, false},
                                                {"resnet50", {3, 4, 6, 3}, true},
                                                {"resnet101", {3, 4, 23, 3}, true},
                                                {"resnet152", {3, 8, 36, 3}, true}}};

}  // namespace

std::vector<std::string> resnet_names() {
  std::vector<std::string> names;
  for (const ResNetDepth& d : depths) names.emplace_back(d.name);
  return names;
}

const ResNetDepth& resnet_depth(const std::string& name) {
  std::string known;
  for (const ResNetDepth& d : depths) {
    if (d.name == name) return d;
    known += (known.empty() ? "" : ", ") + std::string(d.name);
  }
  throw engine::UsageError("arch is \"" + name + "\", expected one of " + known);
}

}  // namespace models
