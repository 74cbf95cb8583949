// Query images and their nearest neighbours, for the report.
#pragma once

#include <nlohmann/json.hpp>

#include "apps/evaluation/evaluation.h"

namespace apps {

// One test image of each of the first `queries` classes, and the `count` training images whose features have
// the greatest cosine with its features: {"classes": [...], "queries": [{"label", "png", "neighbours":
// [{"label", "cosine", "png"}]}]}, pictures as data URIs.
nlohmann::ordered_json nearest_neighbours(const Features& train, const Features& test,
                                          const data::Dataset& train_images, const data::Dataset& test_images,
                                          int queries, int count);

nlohmann::ordered_json feature_map(const Features& test, const data::Dataset& test_images, std::int64_t most);

// Writes those of ten test images to RUN/neighbours.json. Writes RUN/map.json: at most 1,000 test images on
// the plane of the two largest principal components of their normalized features, {"classes", "explained",
// "points": [[x, y, label]]}.
Inspector write_pictures(const std::string& run);

// The image reduced to at most `most` pixels per side, by averaging whole blocks of pixels.
data::Image thumbnail(const data::Image&, int most);

}  // namespace apps
