// Which images are embedded, and by what part of a run's networks.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "apps/evaluation/features.h"
#include "apps/options/options.h"
#include "data/dataset.h"
#include "models/methods/method.h"

namespace apps {

// The images that --data and --split choose, as an export takes them, or one image file. They are decoded as
// the run's were; those that can't be decoded are left out if --bad-images says so.
std::unique_ptr<data::Dataset> embedded_images(const ImageChoice&, const PretrainOptions& run, int threads);

// Images (n,S,S,3) -> features (n,D), or maps (n,h,w,C).
using FeatureFunction = std::function<engine::Tensor(const engine::Tensor& images)>;

// features: "backbone", "projection" or "c2" to "c5"; pool: "auto", "none" or "gap". mirror: the mean of the
// features of the image and of its mirror image, left and right exchanged, so that both have the same. In
// evaluation mode, f32 or f64. The method must outlive it. UsageError for maps of what has none, and for the
// mean of maps.
FeatureFunction feature_function(const models::Method&, const std::string& features, const std::string& pool,
                                 bool mirror);

// The shape of the features of `count` images, which one black image is enough to find.
engine::Shape feature_shape(const FeatureFunction&, const FeatureOptions&, std::int64_t count);

// Rows as f32 on the host. std::runtime_error, which names the image, if a value is not finite or greater
// than `most`. first: the data set's image of the first row.
engine::Tensor host_rows(const engine::Tensor& part, const data::Dataset&, std::int64_t first, float most);

}  // namespace apps
