// The options of a training's views.
#pragma once

#include <string>

#include "apps/options/fields.h"
#include "data/views.h"

namespace apps {

// "auto" or below 0: the recipe's value.
struct ViewOptions {
  std::string recipe = "auto";
  int size = -1;
  Interval crop_scale, crop_ratio;
  std::string interpolation = "auto";
  double flip_p = -1, rotate_p = -1, rotate_degrees = -1;
  double jitter_p = -1, jitter_strength = -1, brightness = -1, contrast = -1, saturation = -1, hue = -1;
  double gray_p = -1, blur_p = -1, blur_kernel = -1;
  Interval blur_sigma;
  double solarize_p = -1;
  int solarize_threshold = -1;
};
Fields view_fields(ViewOptions&);

// Fills the options that are left to choose with those of `recipe`, which is "cifar" or "imagenet".
// UsageError if options contradict each other.
void resolve_views(ViewOptions&);
data::ViewRecipe recipe_of(ViewOptions);

// One line: "crop 0.08:1 of the area, ratio 0.75:1.33; flip 0.5; ...", without what is never done.
std::string views_text(const ViewOptions&);

}  // namespace apps
