// The share of predictions that are right: top-1 accuracy.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/error.h"

namespace models {

inline double accuracy(const std::vector<std::int32_t>& predicted, const std::vector<std::int32_t>& labels) {
  engine::require(predicted.size() == labels.size() && !labels.empty(), "accuracy: ", predicted.size(),
                  " predictions for ", labels.size(), " labels");
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i];
  return double(right) / double(labels.size());
}

}  // namespace models
