// The share of predictions that are right: top-1 accuracy, and that of several predictions of each image.
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

constexpr int kBest = 5;  // predictions of an image in a list of the best

// best: kBest predictions of each image, one after the other; -1: none. The first of each image.
inline std::vector<std::int32_t> first_of_best(const std::vector<std::int32_t>& best) {
  std::vector<std::int32_t> first;
  for (std::size_t i = 0; i < best.size(); i += kBest) first.push_back(best[i]);
  return first;
}

// The share of images whose label is among theirs: top-5 accuracy.
inline double accuracy_of_best(const std::vector<std::int32_t>& best,
                               const std::vector<std::int32_t>& labels) {
  engine::require(best.size() == kBest * labels.size() && !labels.empty(), "accuracy: ", best.size(),
                  " predictions for ", labels.size(), " labels, expected ", kBest, " for each");
  std::size_t right = 0;
  for (std::size_t i = 0; i < best.size(); ++i) right += best[i] == labels[i / kBest];
  return double(right) / double(labels.size());
}

}  // namespace models
