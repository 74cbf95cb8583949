// How views are drawn: from (seed, epoch, sample, view) alone, and with the recipe's probabilities.
#include "data/views.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "engine/error.h"
#include "tests/support/scratch.h"

using namespace data;
using kernels::Jitter;

namespace {

ViewRecipe everything() {
  ViewRecipe r = view_recipe("simclr-imagenet");
  r.rotate_p = 0.3;
  r.rotate_degrees = 30;
  r.solarize_p = 0.1;
  return r;
}

constexpr int kDraws = 20000;

std::vector<View> many(const ViewRecipe& recipe, int height = 300, int width = 200, int size = 224) {
  std::vector<View> views;
  for (int i = 0; i < kDraws; ++i)
    views.push_back(draw(recipe, 9, 3, std::uint32_t(i / 2), std::uint32_t(i % 2), 0, height, width, size));
  return views;
}

// Whether `count` of n agrees with probability p within 5 standard deviations.
bool is_rate(double count, double p, int n = kDraws) {
  return std::abs(count - n * p) < 5 * std::sqrt(n * p * (1 - p));
}

// Whether the values are uniform in [low, high): mean and mean square within 5 standard deviations, values in
// the first and the last hundredth, and none outside.
bool is_uniform(const std::vector<double>& values, double low, double high) {
  double mean = 0, square = 0, least = 1, most = 0;
  for (double v : values) {
    const double u = (v - low) / (high - low);
    least = std::min(least, u), most = std::max(most, u);
    if (u < -1e-6 || u > 1 + 1e-6) return false;
    mean += u / double(values.size());
    square += u * u / double(values.size());
  }
  const double deviation = 5 / std::sqrt(double(values.size()));
  return least < 0.01 && most > 0.99 && std::abs(mean - 1.0 / 2) < deviation * std::sqrt(1.0 / 12) &&
         std::abs(square - 1.0 / 3) < deviation * std::sqrt(4.0 / 45);
}

template <class F>
double count(const std::vector<View>& views, F f) {
  return double(std::count_if(views.begin(), views.end(), f));
}

}  // namespace

TEST_CASE("a view depends on seed, epoch, sample and view only") {
  const ViewRecipe r = everything();
  const View v = draw(r, 1, 2, 3, 0, 0, 300, 200, 224);
  many(r);  // draws in between have no effect
  CHECK(v == draw(r, 1, 2, 3, 0, 0, 300, 200, 224));
  CHECK_FALSE(v == draw(r, 2, 2, 3, 0, 0, 300, 200, 224));
  CHECK_FALSE(v == draw(r, 1, 3, 3, 0, 0, 300, 200, 224));
  CHECK_FALSE(v == draw(r, 1, 2, 4, 0, 0, 300, 200, 224));
  CHECK_FALSE(v == draw(r, 1, 2, 3, 1, 0, 300, 200, 224));
  CHECK_FALSE(v == draw(r, 1 + (1ull << 32), 2, 3, 0, 0, 300, 200, 224));
}

TEST_CASE("a change of one probability leaves the other parameters unchanged") {
  ViewRecipe without = everything();
  without.blur_p = without.jitter_p = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    View a = draw(everything(), 1, 0, i, 0, 0, 300, 200, 224);
    const View b = draw(without, 1, 0, i, 0, 0, 300, 200, 224);
    a.blur_sigma = 0, a.blur_kernel = 0;
    std::memcpy(a.jitter, b.jitter, sizeof a.jitter);
    std::memcpy(a.factor, b.factor, sizeof a.factor);
    CHECK(a == b);
  }
}

TEST_CASE("each op occurs with its probability") {
  const auto views = many(everything());
  const std::map<double, double> rates = {
      {0.5, count(views, [](const View& v) { return v.flip == 1; })},
      {0.8, count(views, [](const View& v) { return v.jitter[0] != Jitter::none; })},
      {0.2, count(views, [](const View& v) { return v.grayscale == 1; })},
      {0.3, count(views, [](const View& v) { return v.angle != 0; })},
      {0.1, count(views, [](const View& v) { return v.solarize == 128; })}};
  REQUIRE(rates.size() == 5);
  for (const auto& rate : rates) {
    const double p = rate.first, n = rate.second;
    INFO(p, ": ", n);
    CHECK(is_rate(n, p));
    CHECK_FALSE(is_rate(n, p + 0.03));  // the bound is tight enough to detect a wrong probability
    CHECK_FALSE(is_rate(n, p - 0.03));
  }
  const double blurred = count(views, [](const View& v) { return v.blur_sigma > 0; });
  CHECK(is_rate(blurred, 0.5));
  // ops are independent: the joint probability is the product
  CHECK(is_rate(count(views, [](const View& v) { return v.flip == 1 && v.blur_sigma > 0; }), 0.25));
  CHECK(is_rate(count(views, [](const View& v) { return v.grayscale == 1 && v.jitter[0] != Jitter::none; }),
                0.16));
  // and so are the two views of an image
  double both = 0;
  for (std::size_t i = 0; i < views.size(); i += 2) both += views[i].flip == 1 && views[i + 1].flip == 1;
  CHECK(is_rate(both, 0.25, kDraws / 2));
}

TEST_CASE("all draws are independent: of a view, of the two views, of neighbours, epochs and seeds") {
  ViewRecipe r = view_recipe("simclr-imagenet");
  r.flip_p = 0.5, r.rotate_p = 0.4, r.rotate_degrees = 30, r.jitter_p = 0.6, r.gray_p = 0.45, r.blur_p = 0.55,
  r.solarize_p = 0.35;
  using Draw = bool (*)(const View&);
  const std::pair<double, Draw> draws[] = {
      {0.5, [](const View& v) { return v.flip == 1; }},
      {0.4, [](const View& v) { return v.angle != 0; }},
      {0.6, [](const View& v) { return v.jitter[0] != Jitter::none; }},
      {0.45, [](const View& v) { return v.grayscale == 1; }},
      {0.55, [](const View& v) { return v.blur_sigma > 0; }},
      {0.35, [](const View& v) { return v.solarize < 256; }},
      {0.5, [](const View& v) { return v.left < (v.width - v.crop_width + 1) / 2; }},
      {0.5, [](const View& v) { return v.top < (v.height - v.crop_height + 1) / 2; }}};
  constexpr int count = 8;
  const auto view = [&](std::uint64_t seed, std::uint32_t epoch, int i, std::uint32_t which) {
    return draw(r, seed, epoch, std::uint32_t(i), which, 0, 3000, 3000, 224);
  };
  // of views whose key differs in one part, how often both draws are so
  struct Pair {
    const char* name;
    std::uint64_t seed;
    std::uint32_t epoch;
    int sample;
    std::uint32_t which;
  };
  for (const Pair& other :
       {Pair{"itself", 9, 3, 0, 0}, Pair{"the other view", 9, 3, 0, 1}, Pair{"the next image", 9, 3, 1, 0},
        Pair{"the next epoch", 9, 4, 0, 0}, Pair{"the next seed", 10, 3, 0, 0}}) {
    CAPTURE(other.name);
    double both[count][count] = {};
    for (int i = 0; i < kDraws; ++i) {
      // images in steps of two: no view stands in two pairs
      const View a = view(9, 3, 2 * i, 0),
                 b = view(other.seed, other.epoch, 2 * i + other.sample, other.which);
      for (int j = 0; j < count; ++j)
        for (int k = 0; k < count; ++k) both[j][k] += draws[j].second(a) && draws[k].second(b);
    }
    for (int j = 0; j < count; ++j)
      for (int k = 0; k < count; ++k) {
        if (j == k && other.name == std::string("itself")) continue;
        CAPTURE(j);
        CAPTURE(k);
        const double p = draws[j].first * draws[k].first;
        // a crop that fits exactly has one place, and an odd number of places has a middle: half of 1 %
        const double slack = j >= 6 || k >= 6 ? 0.005 : 0;
        CHECK(std::abs(both[j][k] / kDraws - p) < 5 * std::sqrt(p * (1 - p) / kDraws) + slack);
      }
  }
}

TEST_CASE("crops: each place in the image is as likely, the first and the last too") {
  ViewRecipe r = view_recipe("simclr-cifar");
  r.scale = {0.8, 1};
  std::map<int, std::map<int, int>> left, top;  // by the number of places
  for (const View& v : many(r, 16, 16)) {
    ++left[v.width - v.crop_width + 1][v.left];
    ++top[v.height - v.crop_height + 1][v.top];
  }
  for (const auto* counts : {&left, &top}) {
    CHECK(counts->size() >= 4);
    for (const auto& entry : *counts) {
      const int places = entry.first;
      const std::map<int, int>& found = entry.second;
      CAPTURE(places);
      int n = 0;
      for (const auto& one : found) n += one.second;
      if (n < 200) continue;
      CHECK(int(found.size()) == places);
      for (const auto& one : found) CHECK((places == 1 || is_rate(one.second, 1.0 / places, n)));
    }
  }
}

TEST_CASE("jitter: uniform factors, and all 24 orders alike") {
  for (const double strength : {1.0, 0.5}) {
    ViewRecipe r = view_recipe("simclr-imagenet");
    r.jitter_p = 1;
    r.strength = strength;
    std::vector<double> factors[5];
    std::map<std::string, int> orders;
    for (const View& v : many(r)) {
      std::string order;
      for (int i = 0; i < 4; ++i) {
        factors[int(v.jitter[i])].push_back(v.factor[i]);
        order += char('0' + int(v.jitter[i]));
      }
      ++orders[order];
    }
    CHECK(factors[0].empty());
    for (const Jitter op : {Jitter::brightness, Jitter::contrast, Jitter::saturation}) {
      REQUIRE(factors[int(op)].size() == kDraws);
      CHECK(is_uniform(factors[int(op)], 1 - 0.8 * strength, 1 + 0.8 * strength));
      CHECK_FALSE(is_uniform(factors[int(op)], 1 - 0.85 * strength, 1 + 0.85 * strength));
    }
    CHECK(is_uniform(factors[int(Jitter::hue)], -0.2 * strength, 0.2 * strength));
    CHECK(orders.size() == 24);
    for (const auto& [order, n] : orders) CHECK(is_rate(n, 1.0 / 24));
  }
}

TEST_CASE("an op of strength 0 is skipped, and a factor is never negative") {
  ViewRecipe r = view_recipe("simclr-cifar");
  r.jitter_p = 1;
  r.hue = 0;
  r.contrast = 4;  // times s = 0.5: 1 - 2 .. 1 + 2
  for (const View& v : many(r)) {
    for (int i = 0; i < 4; ++i) {
      CHECK(v.jitter[i] != Jitter::hue);
      CHECK(v.factor[i] >= 0);
    }
  }
}

TEST_CASE("crops: area uniform, logarithm of the ratio uniform, inside the image") {
  ViewRecipe r = view_recipe("simclr-cifar");
  r.scale = {0.1, 0.3};  // every first try fits
  std::vector<double> area, ratio, left;
  for (const View& v : many(r, 3000, 3000)) {
    CHECK(kernels::fault(v, 3 * 3000 * 3000, 224) == nullptr);
    area.push_back(double(v.crop_height) * v.crop_width / 9e6);
    ratio.push_back(std::log(double(v.crop_width) / v.crop_height));
    left.push_back(v.left / double(3000 - v.crop_width));
  }
  CHECK(is_uniform(area, 0.0998, 0.3002));  // sides are whole pixels
  CHECK(is_uniform(ratio, std::log(0.7495), std::log(1.3345)));
  CHECK(is_uniform(left, 0, 1));
  CHECK_FALSE(is_uniform(area, 0.08, 0.3));
}

TEST_CASE("after ten failed tries: the central crop, as in torchvision") {
  const ViewRecipe r = view_recipe("simclr-cifar");
  const View wide = draw(r, 0, 0, 0, 0, 0, 10, 1000, 32), tall = draw(r, 0, 0, 0, 0, 0, 1000, 10, 32);
  CHECK(wide.crop_height == 10);
  CHECK(wide.crop_width == 13);
  CHECK(wide.left == 493);
  CHECK(wide.top == 0);
  CHECK(tall.crop_height == 13);
  CHECK(tall.crop_width == 10);
  CHECK(tall.top == 493);
  const View pixel = draw(r, 0, 0, 0, 0, 0, 1, 1, 32);
  CHECK(pixel.crop_height == 1);
  CHECK(pixel.crop_width == 1);
}

TEST_CASE("blur: sigma uniform, 23 taps at 224 pixels") {
  std::vector<double> sigma;
  for (const View& v : many(view_recipe("simclr-imagenet"))) {
    if (v.blur_sigma == 0) continue;
    sigma.push_back(v.blur_sigma);
    CHECK(v.blur_kernel == 23);
  }
  CHECK(is_uniform(sigma, 0.1, 2));
  ViewRecipe r = view_recipe("simclr-imagenet");
  r.blur_p = 1;
  CHECK(draw(r, 0, 0, 0, 0, 0, 9, 9, 1).blur_kernel == 1);
  CHECK(draw(r, 0, 0, 0, 0, 0, 9, 9, 32).blur_kernel == 3);
}

TEST_CASE("presets") {
  const ViewRecipe cifar = view_recipe("simclr-cifar"), imagenet = view_recipe("simclr-imagenet");
  CHECK(cifar.strength == 0.5);
  CHECK(cifar.blur_p == 0);
  CHECK_FALSE(cifar.bicubic);
  CHECK(imagenet.strength == 1);
  CHECK(imagenet.blur_p == 0.5);
  CHECK(imagenet.bicubic);
  for (const View& v : many(view_recipe("imagenet"), 300, 256)) {
    REQUIRE(v.crop_height == 224);
    REQUIRE(v.crop_width == 224);
    REQUIRE(v.top == 38);
    REQUIRE(v.left == 16);
    REQUIRE(v.flip + v.grayscale + int(v.jitter[0]) == 0);
    REQUIRE(v.blur_sigma == 0);
    REQUIRE(v.solarize == 256);
  }
  CHECK(message_of<engine::UsageError>([] { view_recipe("cifar10"); }) ==
        "view recipe 'cifar10', expected simclr, moco2, moco3 or byol with -imagenet or -cifar, or "
        "crop-imagenet, crop-cifar, imagenet or cifar");
}

TEST_CASE("the recipes of both views are the authors'") {
  const auto byol = view_recipes("byol-imagenet"), moco3 = view_recipes("moco3-imagenet");
  for (const auto& recipes : {byol, moco3}) {
    CHECK(recipes[0].blur_p == 1);
    CHECK(recipes[1].blur_p == 0.1);
    CHECK(recipes[0].solarize_p == 0);
    CHECK(recipes[1].solarize_p == 0.2);
    for (const ViewRecipe& r : recipes) {
      CHECK(r.brightness * r.strength == 0.4);
      CHECK(r.contrast * r.strength == 0.4);
      CHECK(r.saturation * r.strength == 0.2);
      CHECK(r.hue * r.strength == 0.1);
      CHECK(r.gray_p == 0.2);
      CHECK(r.bicubic);
    }
  }
  CHECK(byol[0].scale.low == 0.08);
  CHECK(moco3[1].scale.low == 0.2);
  const auto moco2 = view_recipes("moco2-cifar"), simclr = view_recipes("simclr-imagenet");
  CHECK(moco2[0].saturation == 0.4);
  CHECK(moco2[1].scale.low == 0.2);
  CHECK(view_recipes("byol-cifar")[0].blur_p == 0);
  CHECK(view_recipes("byol-cifar")[1].solarize_p == 0.2);
  CHECK(view_recipes("byol-cifar")[1].normalization.mean[0] == doctest::Approx(0.4914));
  CHECK(simclr[0].blur_p == simclr[1].blur_p);
  CHECK(simclr[0].solarize_p + simclr[1].solarize_p == 0);
}
