// What a classifier answered, in a form that stays small for many classes.
#pragma once

#include <nlohmann/json.hpp>

namespace apps {

// Of a confusion matrix (rows are the true classes): {"total": [images of each class], "right": [...],
// "wrong":
// [[true, predicted, count], ...]}, the most frequent pairs first, at most `most` of them.
nlohmann::ordered_json answers_of(const nlohmann::ordered_json& confusion, std::size_t most = 4000);

}  // namespace apps
