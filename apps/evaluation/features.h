// Features of a data set's images: an encoder's, or the pixels themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "apps/options/options.h"
#include "data/loader.h"
#include "engine/tensor.h"
#include "models/backbones/resnet.h"

namespace apps {

struct Features {
  engine::Tensor values;             // (N,D), f32 or f64
  std::vector<std::int32_t> labels;  // (N)
};

struct FeatureOptions {
  std::string recipe;  // "cifar" or "imagenet": how an image is cropped and normalized
  int size;            // side of an image in pixels
  int batch, threads;
  engine::Device device;
  engine::DType dtype;  // of the images
  data::BadImages bad_images = data::BadImages::stop;
};

// std::runtime_error if a value, or the square of a feature's length, is not finite; it names the image.
// dataset: whose images these are; whose: "the encoder's".
void require_finite(const Features&, const data::Dataset&, const std::string& whose);

// f(images) of one batch of images (n,S,S,3), and its labels.
using TakeFeatures = std::function<void(const engine::Tensor& part, const data::Batch&)>;
// Hands f(images) of each batch to `take`, without gradients, in the order of the data set. From image
// `first` on, a multiple of the batch.
void each_batch(const data::Dataset&, const FeatureOptions&, std::int64_t first,
                const std::function<engine::Tensor(const engine::Tensor&)>& f, const TakeFeatures& take);

// f(images) for all images, (n,S,S,3) -> (n,D), without gradients, in the order of the data set.
Features features_by(const data::Dataset&, const FeatureOptions&,
                     const std::function<engine::Tensor(const engine::Tensor&)>& f);

// In evaluation mode and without gradients, in the order of the data set.
Features encoder_features(const models::ResNet&, const data::Dataset&, const FeatureOptions&);

// The normalized pixels themselves, of images of at most 32 pixels a side.
Features raw_pixels(const data::Dataset&, FeatureOptions);

}  // namespace apps
