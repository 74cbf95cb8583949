// The random views of SimCLR: how they are drawn. A view is a pure function of (seed, epoch, sample, view),
// so it depends on no thread, rank, batch or device; kernels/augment/augment.cu applies it.
#pragma once

#include <string>

#include "engine/tensor.h"
#include "kernels/augment/view.h"

namespace data {

using kernels::Normalization;
using kernels::View;

struct Range {
  double low, high;
};

// What torchvision's RandomResizedCrop, RandomHorizontalFlip, RandomRotation, ColorJitter, RandomGrayscale,
// GaussianBlur and RandomSolarize are asked for. Drawn for each image and view, never once for a batch.
struct ViewRecipe {
  bool random_crop = true;        // else the central square
  Range scale{0.08, 1};           // the crop's share of the area
  Range ratio{3.0 / 4, 4.0 / 3};  // its width over its height, uniform in the logarithm
  double center = 1;              // without random_crop: the square's side over the image's shorter one
  bool bicubic = false, antialias = true;

  double flip_p = 0.5;
  double rotate_p = 0, rotate_degrees = 0;  // uniform in [-degrees, degrees]

  double jitter_p = 0.8;  // all four ops in random order, or none
  double brightness = 0.8, contrast = 0.8, saturation = 0.8, hue = 0.2;  // before `strength`
  double strength = 1;                                                   // the paper's s

  double gray_p = 0.2;
  double blur_p = 0.5;
  Range blur_sigma{0.1, 2};
  double blur_kernel = 0.1;  // taps over the size of the view, rounded to an odd number
  double solarize_p = 0;
  int solarize_threshold = 128;

  Normalization normalization{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};  // ImageNet's
};

// By name: "simclr-imagenet" (Chen et al. 2020, A; s = 1, blur), "simclr-cifar" (B.9; s = 0.5, no blur); for
// training with labels "crop-imagenet" and "crop-cifar" (B.5, B.6: crops and flips); for evaluation
// "imagenet" (the central 224/256) and "cifar" (the whole image). Refuses others.
ViewRecipe view_recipe(const std::string& name);

// The parameters of one view, of `size` pixels, of the image of height x width pixels at byte `offset`.
View draw(const ViewRecipe&, std::uint64_t seed, std::uint32_t epoch, std::uint32_t sample,
          std::uint32_t view, std::int64_t offset, int height, int width, int size);

// A batch of views as the tensor that engine::augment takes, on the host.
engine::Tensor pack(const std::vector<View>&);

}  // namespace data
