// The options of a training's views.
#pragma once

#include <array>
#include <string>

#include "apps/options/fields.h"
#include "data/views.h"

namespace apps {

// "auto" or below 0: the recipe's value, which may differ from one view to the other.
struct ViewOptions {
  std::string views = "auto";   // whose recipes: those of a method
  std::string recipe = "auto";  // for which images: "cifar" or "imagenet"
  int size = -1;
  Interval crop_scale, crop_ratio;
  std::string view_rules = "torchvision";
  std::string interpolation = "auto";
  double flip_p = -1, rotate_p = -1, rotate_degrees = -1;
  double jitter_p = -1, jitter_strength = -1, brightness = -1, contrast = -1, saturation = -1, hue = -1;
  double gray_p = -1, blur_p = -1, blur_kernel = -1;
  Interval blur_sigma;
  double solarize_p = -1;
  int solarize_threshold = -1;
  std::string second_view = "";  // options of the second view alone: "blur-p=0.1,solarize-p=0.2"
};
Fields view_fields(ViewOptions&);

// Fills the options that are left to choose with the recipe's values, where both views have the same.
// UsageError if options contradict each other.
void resolve_views(ViewOptions&);
std::array<data::ViewRecipe, 2> recipes_of(const ViewOptions&);

// "crop 0.08 to 1 of the area, ratio 0.75 to 1.33; flip, p = 0.5; ...", without what is never done. Two lines
// if the views differ.
std::string views_text(const ViewOptions&);

}  // namespace apps
