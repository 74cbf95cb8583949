#include "apps/options/views.h"

#include <algorithm>
#include <sstream>

#include "apps/options/shared.h"
#include "engine/error.h"

namespace apps {
namespace {

using data::ViewRecipe;

// An option and the member of the recipe that it sets.
struct Number {
  double ViewOptions::*option;
  double ViewRecipe::*member;
};
constexpr Number kNumbers[] = {{&ViewOptions::flip_p, &ViewRecipe::flip_p},
                               {&ViewOptions::rotate_p, &ViewRecipe::rotate_p},
                               {&ViewOptions::rotate_degrees, &ViewRecipe::rotate_degrees},
                               {&ViewOptions::jitter_p, &ViewRecipe::jitter_p},
                               {&ViewOptions::jitter_strength, &ViewRecipe::strength},
                               {&ViewOptions::brightness, &ViewRecipe::brightness},
                               {&ViewOptions::contrast, &ViewRecipe::contrast},
                               {&ViewOptions::saturation, &ViewRecipe::saturation},
                               {&ViewOptions::hue, &ViewRecipe::hue},
                               {&ViewOptions::gray_p, &ViewRecipe::gray_p},
                               {&ViewOptions::blur_p, &ViewRecipe::blur_p},
                               {&ViewOptions::blur_kernel, &ViewRecipe::blur_kernel},
                               {&ViewOptions::solarize_p, &ViewRecipe::solarize_p}};
struct Span {
  Interval ViewOptions::*option;
  data::Range ViewRecipe::*member;
};
constexpr Span kSpans[] = {{&ViewOptions::crop_scale, &ViewRecipe::scale},
                           {&ViewOptions::crop_ratio, &ViewRecipe::ratio},
                           {&ViewOptions::blur_sigma, &ViewRecipe::blur_sigma}};

std::array<ViewRecipe, 2> named_recipes(const ViewOptions& o) {
  return data::view_recipes((o.views == "auto" ? "simclr" : o.views) + "-" + o.recipe);
}

// Sets what is left to choose to the value that all of these recipes have.
void fill(ViewOptions& o, const std::vector<ViewRecipe>& recipes) {
  const ViewRecipe &first = recipes.front(), &last = recipes.back();
  if (o.rotate_p < 0 && o.rotate_degrees > 0) o.rotate_p = 1;  // as torchvision's RandomRotation
  for (const Number& n : kNumbers)
    if (o.*n.option < 0 && first.*n.member == last.*n.member) o.*n.option = first.*n.member;
  for (const Span& s : kSpans)
    if ((o.*s.option).low < 0) o.*s.option = {(first.*s.member).low, (first.*s.member).high};
  // google-research/simclr resizes bicubically, the views of CIFAR too
  if (o.interpolation == "auto")
    o.interpolation = first.bicubic || o.view_rules == "tensorflow" ? "bicubic" : "bilinear";
  if (o.solarize_threshold < 0) o.solarize_threshold = first.solarize_threshold;
}

void fill(ViewOptions& o) {
  const auto both = named_recipes(o);
  fill(o, {both[0], both[1]});
}

ViewRecipe with_options(ViewRecipe r, ViewOptions o) {
  fill(o, {r});
  for (const Number& n : kNumbers) r.*n.member = o.*n.option;
  for (const Span& s : kSpans) r.*s.member = {(o.*s.option).low, (o.*s.option).high};
  r.bicubic = o.interpolation == "bicubic";
  r.rules = data::view_rules(o.view_rules);
  r.solarize_threshold = o.solarize_threshold;
  return r;
}

// A number from 0 to `most`, or that of the recipe.
Field up_to(double most, Field f) {
  f.high = most;
  f.automatic = true;
  return f;
}

Fields crop_fields(ViewOptions& o) {
  return {
      {.name = "crop-scale",
       .value = &o.crop_scale,
       .help = "Share of the image's area that a crop covers; auto, here and below: the recipe's value",
       .low = 0.001,
       .high = 1,
       .automatic = true},
      {.name = "crop-ratio",
       .value = &o.crop_ratio,
       .help = "Ratio of a crop's width to its height",
       .low = 0.01,
       .high = 100,
       .automatic = true},
      {.name = "interpolation",
       .value = &o.interpolation,
       .help = "How a crop is resized",
       .choices = {"auto", "bilinear", "bicubic"}},
      up_to(1,
            {.name = "flip-p", .value = &o.flip_p, .help = "Probability that left and right are exchanged"}),
      up_to(1, {.name = "rotate-p",
                .value = &o.rotate_p,
                .help = "Probability of a rotation; auto: 1 with --rotate-degrees, else 0"}),
      up_to(180, {.name = "rotate-degrees",
                  .value = &o.rotate_degrees,
                  .help = "Largest angle of the rotation, in either direction"})};
}

Fields color_fields(ViewOptions& o) {
  return {
      up_to(1,
            {.name = "jitter-p", .value = &o.jitter_p, .help = "Probability that the colors are jittered"}),
      up_to(10, {.name = "jitter-strength",
                 .value = &o.jitter_strength,
                 .help = "Factor on the four strengths of the jitter: s in SimCLR's paper"}),
      up_to(10,
            {.name = "brightness", .value = &o.brightness, .help = "Strength of the brightness's jitter"}),
      up_to(10, {.name = "contrast", .value = &o.contrast, .help = "Strength of the contrast's jitter"}),
      up_to(10,
            {.name = "saturation", .value = &o.saturation, .help = "Strength of the saturation's jitter"}),
      up_to(0.5, {.name = "hue",
                  .value = &o.hue,
                  .help = "Strength of the hue's jitter, in turns of the color circle"}),
      up_to(1, {.name = "gray-p", .value = &o.gray_p, .help = "Probability that a view is gray"})};
}

Fields filter_fields(ViewOptions& o) {
  return {
      up_to(1, {.name = "blur-p", .value = &o.blur_p, .help = "Probability that a view is blurred"}),
      {.name = "blur-sigma",
       .value = &o.blur_sigma,
       .help = "Deviation of the blur's Gaussian in pixels",
       .low = 1e-3,
       .high = 1000,
       .automatic = true},
      up_to(1, {.name = "blur-kernel",
                .value = &o.blur_kernel,
                .help = "Width of the blur's filter as a part of the view's side"}),
      up_to(1,
            {.name = "solarize-p", .value = &o.solarize_p, .help = "Probability that a view is solarized"}),
      {.name = "solarize-threshold",
       .value = &o.solarize_threshold,
       .help = "Least level that the solarization inverts",
       .low = 0,
       .high = 256,
       .automatic = true}};
}

Fields value_entries(ViewOptions& o) { return joined({crop_fields(o), color_fields(o), filter_fields(o)}); }

// Sets the options that `second_view` names.
void apply_second_view(ViewOptions& o) {
  const Fields all = value_entries(o);
  std::istringstream list(o.second_view);
  for (std::string item; std::getline(list, item, ',');) {
    const std::size_t equals = item.find('=');
    const std::string name = item.substr(0, equals);
    const auto f = std::ranges::find(all, name, &Field::name);
    if (equals == item.npos || f == all.end())
      throw engine::UsageError(
          "--second-view: \"" + item +
          "\", expected NAME=VALUE with the name of another option of the views, such as "
          "blur-p=0.1,solarize-p=0.2");
    if (const std::string wrong = assign(*f, item.substr(equals + 1)); !wrong.empty())
      throw engine::UsageError("--second-view: " + name + " " + wrong);
  }
}

ViewOptions second_of(const ViewOptions& o) {
  ViewOptions second = o;
  apply_second_view(second);
  return second;
}

Fields entries(ViewOptions& o) {
  Field size =
      image_size_entry(o.size, "Side of a view in pixels; auto: 32 for CIFAR, 96 for STL-10, else 224");
  size.automatic = true;
  return group(
      "Views",
      joined({{{.name = "views",
                .value = &o.views,
                .help = "Whose recipes for the two views; auto: the method's",
                .choices = {"auto", "simclr", "moco2", "moco3", "byol"}},
               recipe_entry(o.recipe),
               view_rules_entry(o.view_rules),
               size},
              value_entries(o),
              {{.name = "second-view",
                .value = &o.second_view,
                .help = "Other values for the second view alone: NAME=VALUE,... with the names above"}}}),
      Resume::reported);
}

}  // namespace

Fields view_fields(ViewOptions& o) {
  Fields all = entries(o);
  // SimCLR's checkpoints are older than the option.
  entry_of(all, o.views).absent = "simclr";
  if (o.recipe == "auto") return all;
  ViewOptions plain;
  plain.views = o.views;
  plain.recipe = o.recipe;
  plain.view_rules = o.view_rules;
  fill(plain);
  const Fields of_recipe = entries(plain);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!all[i].is(o.views) && !all[i].is(o.recipe) && !all[i].is(o.view_rules) && !all[i].is(o.size)) {
      all[i].absent = text_of(of_recipe[i]);
      // not saved: what follows from the recipe, so that a run resumed with another recipe has its views
      all[i].saved = text_of(all[i]) != all[i].absent && text_of(all[i]) != "auto";
    }
  return all;
}

namespace {

void require_consistent(const ViewRecipe& r) {
  using engine::UsageError;
  if (r.rotate_p > 0 && r.rotate_degrees == 0)
    throw UsageError("--rotate-p is above 0 without an angle, expected --rotate-degrees as well");
  if (r.hue * r.strength > 0.5)
    throw UsageError(engine::concat_text("--hue ", r.hue, " times --jitter-strength ", r.strength, " is ",
                                         r.hue * r.strength, ", expected at most 0.5"));
}

std::string recipe_text(const ViewRecipe& r) {
  using engine::concat_text;
  const auto span = [](const data::Range& i) { return concat_text(i.low, " to ", i.high); };
  std::string text = concat_text("crop ", span(r.scale), " of the area, ratio ", span(r.ratio), ", ",
                                 r.bicubic ? "bicubic" : "bilinear");
  if (r.rules == kernels::ViewRules::tensorflow) text += ", by TensorFlow's rules";
  const auto sometimes = [&text](double p, const std::string& what) {
    if (p > 0) text += concat_text("; ", what, ", p = ", p);
  };
  const double s = r.strength;
  sometimes(r.flip_p, "flip");
  sometimes(r.rotate_p, concat_text("rotation up to ", r.rotate_degrees, " degrees"));
  sometimes(r.jitter_p, concat_text("jitter of brightness ", s * r.brightness, ", contrast ", s * r.contrast,
                                    ", saturation ", s * r.saturation, ", hue ", s * r.hue));
  sometimes(r.gray_p, "gray");
  sometimes(r.blur_p,
            concat_text("blur of sigma ", span(r.blur_sigma), ", filter of ", r.blur_kernel, " of the side"));
  sometimes(r.solarize_p, concat_text("solarization from ", r.solarize_threshold, " on"));
  return text;
}

}  // namespace

void resolve_views(ViewOptions& o) {
  if (o.views == "auto") o.views = "simclr";
  fill(o);
  for (const ViewRecipe& r : recipes_of(o)) require_consistent(r);
}

std::array<ViewRecipe, 2> recipes_of(const ViewOptions& o) {
  const auto both = named_recipes(o);
  return {with_options(both[0], o), with_options(both[1], second_of(o))};
}

std::string views_text(const ViewOptions& o) {
  const auto recipes = recipes_of(o);
  const std::string first = recipe_text(recipes[0]), second = recipe_text(recipes[1]);
  return first == second ? first : "first: " + first + "\nsecond: " + second;
}

}  // namespace apps
