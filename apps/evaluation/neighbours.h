// Query images and their nearest neighbours, for the report.
#pragma once

#include <nlohmann/json.hpp>

#include "apps/evaluation/evaluation.h"

namespace apps {

// Test images whose classes are spread over all classes, and the `count` training images whose features have
// the greatest cosine with theirs: {"classes": [...], "queries": [{"label", "png", "neighbours": [{"label",
// "cosine", "png"}]}]}, pictures as data URIs.
nlohmann::ordered_json nearest_neighbours(const Features& train, const Features& test,
                                          const data::Dataset& train_images, const data::Dataset& test_images,
                                          int queries, int count);

// At most `most` test images, placed by t-SNE of their normalized features: {"classes", "points": [[x, y,
// label, name]]}.
nlohmann::ordered_json feature_map(const Features& test, const data::Dataset& test_images, std::int64_t most);

// neighbours.json: the neighbours of ten test images. map.json: a map of at most 1,000 test images.
Inspector pictures();

// The image reduced to at most `most` pixels per side, by averaging whole blocks of pixels.
data::Image thumbnail(const data::Image&, int most);

}  // namespace apps
