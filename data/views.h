// Draws the parameters of SimCLR's random views. A view is a pure function of (seed, epoch, sample, view),
// independent of threads, ranks, batches and devices. kernels/augment/augment.cu applies it.
#pragma once

#include <array>
#include <string>

#include "engine/tensor.h"
#include "kernels/augment/view.h"

namespace data {

using kernels::Normalization;
using kernels::View;

struct Range {
  double low, high;
};

// The parameters of torchvision's RandomResizedCrop, RandomHorizontalFlip, RandomRotation, ColorJitter,
// RandomGrayscale, GaussianBlur and RandomSolarize. Drawn for each image and view, never once per batch.
struct ViewRecipe {
  bool random_crop = true;        // false: the central square
  Range scale{0.08, 1};           // the crop's share of the area
  Range ratio{3.0 / 4, 4.0 / 3};  // width over height, log-uniform
  double center = 1;              // without random_crop: the square's side over the image's shorter side
  bool bicubic = false, antialias = true;

  double flip_p = 0.5;
  double rotate_p = 0, rotate_degrees = 0;  // uniform in [-degrees, degrees]

  double jitter_p = 0.8;  // jitter_p: all four ops in random order, or none
  double brightness = 0.8, contrast = 0.8, saturation = 0.8, hue = 0.2;  // before `strength`
  double strength = 1;                                                   // the paper's s

  double gray_p = 0.2;
  double blur_p = 0.5;
  Range blur_sigma{0.1, 2};
  double blur_kernel = 0.1;  // taps = this times the view's size, rounded to an odd number
  double solarize_p = 0;
  int solarize_threshold = 128;

  // TensorFlow's definitions, as google-research/simclr uses them: crops by
  // tf.image.sample_distorted_bounding_box, no antialias, f32 values between ops, contrast by channel,
  // saturation in HSV, zeros around the blur.
  kernels::ViewRules rules = kernels::ViewRules::torchvision;

  Normalization normalization{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};  // ImageNet's
};

// A recipe by name. Training with labels: "crop-imagenet" and "crop-cifar" (Chen et al. 2020, B.5, B.6: crops
// and flips). Evaluation: "imagenet" (the central 224/256) and "cifar" (the whole image). Training without
// labels: that of the first view of view_recipes(). Refuses other names.
ViewRecipe view_recipe(const std::string& name);

// The recipes of both views, by name, for ImageNet and for CIFAR ("simclr-imagenet", "simclr-cifar" ...):
// - simclr: Chen et al. 2020, A: s = 1, blur; CIFAR, B.9: s = 0.5, no blur
// - moco2: Chen, Fan et al. 2020 (MoCo v2), also SimSiam's: crops of at least 0.2, jitter 0.4 0.4 0.4 0.1
// - byol: Grill et al. 2020, B: jitter 0.4 0.4 0.2 0.1; blur 1.0 and 0.1, solarize 0 and 0.2 in the two views
// - moco3: Chen, Xie & He 2021: byol's with crops of at least 0.2
// CIFAR's have no blur. Refuses other names.
std::array<ViewRecipe, 2> view_recipes(const std::string& name);

// "torchvision" or "tensorflow".
kernels::ViewRules view_rules(const std::string& name);

// Draws one view of `size` x `size` pixels. The image has height x width pixels and begins at byte `offset`.
View draw(const ViewRecipe&, std::uint64_t seed, std::uint32_t epoch, std::uint32_t sample,
          std::uint32_t view, std::int64_t offset, int height, int width, int size);

// The views as the tensor that engine::augment takes, on the host.
engine::Tensor pack(const std::vector<View>&);

}  // namespace data
