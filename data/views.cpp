#include "data/views.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/error.h"
#include "engine/random.h"

namespace data {

using engine::Random;

namespace {

constexpr Normalization kCifar{{0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616}};

void set_jitter(ViewRecipe& r, double brightness, double contrast, double saturation, double hue) {
  r.brightness = brightness, r.contrast = contrast, r.saturation = saturation, r.hue = hue;
}

// One view of a method's recipe for ImageNet; false if no method has this name.
bool method_recipe(const std::string& method, int view, ViewRecipe& r) {
  if (method == "simclr") return true;
  if (method == "moco2" || method == "moco3") r.scale.low = 0.2;
  if (method == "moco2") return set_jitter(r, 0.4, 0.4, 0.4, 0.1), true;
  if (method != "byol" && method != "moco3") return false;
  set_jitter(r, 0.4, 0.4, 0.2, 0.1);
  r.blur_p = view == 0 ? 1 : 0.1;
  r.solarize_p = view == 0 ? 0 : 0.2;
  return true;
}

}  // namespace

std::array<ViewRecipe, 2> view_recipes(const std::string& name) {
  const std::size_t dash = name.rfind('-');
  const std::string method = name.substr(0, dash), images = dash == name.npos ? "" : name.substr(dash + 1);
  std::array<ViewRecipe, 2> both;
  for (int view = 0; view < 2; ++view) {
    ViewRecipe& r = both[std::size_t(view)];
    if (!method_recipe(method, view, r) || (images != "imagenet" && images != "cifar"))
      throw engine::UsageError("view recipe '" + name +
                               "', expected simclr, moco2, moco3 or byol with -imagenet or -cifar, or "
                               "crop-imagenet, crop-cifar, imagenet or cifar");
    r.bicubic = images == "imagenet";
    if (images != "cifar") continue;
    r.blur_p = 0;
    r.normalization = kCifar;
    if (method == "simclr") r.strength = 0.5;
  }
  return both;
}

kernels::ViewRules view_rules(const std::string& name) {
  if (name == "torchvision") return kernels::ViewRules::torchvision;
  if (name == "tensorflow") return kernels::ViewRules::tensorflow;
  throw engine::UsageError("view rules '" + name + "', expected torchvision or tensorflow");
}

ViewRecipe view_recipe(const std::string& name) {
  const bool crops = name == "crop-imagenet" || name == "crop-cifar";
  if (!crops && name != "imagenet" && name != "cifar") return view_recipes(name)[0];
  ViewRecipe r;
  r.jitter_p = r.gray_p = r.blur_p = 0;
  const bool cifar = name.ends_with("cifar");
  r.bicubic = !cifar;
  if (cifar) r.normalization = kCifar;
  if (crops) return r;
  r.random_crop = false;
  r.center = cifar ? 1 : 224.0 / 256;
  r.flip_p = 0;
  return r;
}

namespace {

// torchvision.transforms.v2.RandomResizedCrop: ten tries, then the largest central box of an allowed ratio.
void draw_crop(const ViewRecipe& recipe, Random& random, View& v) {
  const double area = double(v.height) * v.width;
  const auto place = [&](int h, int w, int top, int left) {
    v.crop_height = h, v.crop_width = w, v.top = top, v.left = left;
  };
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double target = area * random.uniform(recipe.scale.low, recipe.scale.high);
    const double ratio = std::exp(random.uniform(std::log(recipe.ratio.low), std::log(recipe.ratio.high)));
    const int w = int(std::nearbyint(std::sqrt(target * ratio)));
    const int h = int(std::nearbyint(std::sqrt(target / ratio)));
    if (w < 1 || w > v.width || h < 1 || h > v.height) continue;
    const int top = int(random.below(std::uint32_t(v.height - h + 1)));
    return place(h, w, top, int(random.below(std::uint32_t(v.width - w + 1))));
  }
  const double ratio = double(v.width) / v.height;
  int h = v.height, w = v.width;
  if (ratio < recipe.ratio.low) h = std::max(1, int(std::nearbyint(w / recipe.ratio.low)));
  if (ratio > recipe.ratio.high) w = std::max(1, int(std::nearbyint(h * recipe.ratio.high)));
  place(h, w, (v.height - h) / 2, (v.width - w) / 2);
}

// tf.image.sample_distorted_bounding_box with the whole image as its box, of which a tenth must be covered
// (core/kernels/image/sample_distorted_bounding_box_op.cc): up to 100 tries, then the whole image. The ratio
// is uniform, as is the height between the heights of the least and the largest area.
void draw_tensorflow_crop(const ViewRecipe& recipe, Random& random, View& v) {
  const double area = double(v.height) * v.width;
  const double least = recipe.scale.low * area, most = recipe.scale.high * area, covered = 0.1 * area;
  const auto round = [](double x) { return int(std::nearbyint(x)); };
  for (int attempt = 0; attempt < 100; ++attempt) {
    const double ratio = random.uniform(recipe.ratio.low, recipe.ratio.high);
    int h = round(std::sqrt(least / ratio)), highest = round(std::sqrt(most / ratio));
    if (round(highest * ratio) > v.width) {
      highest = int((v.width + 0.5 - 1e-7) / ratio);
      if (round(highest * ratio) > v.width) --highest;
    }
    highest = std::min(highest, v.height);
    h = h >= highest ? highest : h + int(random.below(std::uint32_t(highest - h + 1)));
    int w = round(h * ratio);
    if (double(w) * h < least) w = round(++h * ratio);
    if (double(w) * h > most) w = round(--h * ratio);
    const double made = double(w) * h;
    if (made < least || made > most || w > v.width || h > v.height || w < 1 || h < 1) continue;
    const auto below = [&](int n) { return n > 0 ? int(random.below(std::uint32_t(n))) : 0; };
    v.top = below(v.height - h), v.left = below(v.width - w);
    if (made < covered) continue;
    v.crop_height = h, v.crop_width = w;
    return;
  }
  v.top = v.left = 0, v.crop_height = v.height, v.crop_width = v.width;
}

void center_crop(double share, View& v) {
  const int side = std::max(1, int(std::nearbyint(share * std::min(v.height, v.width))));
  v.crop_height = v.crop_width = side;
  v.top = (v.height - side) / 2;
  v.left = (v.width - side) / 2;
}

// torchvision.transforms.v2.ColorJitter; an op of strength 0 is skipped.
void draw_jitter(const ViewRecipe& recipe, Random& random, View& v) {
  using kernels::Jitter;
  const double amount[4] = {recipe.brightness * recipe.strength, recipe.contrast * recipe.strength,
                            recipe.saturation * recipe.strength, recipe.hue * recipe.strength};
  int order[4] = {0, 1, 2, 3};
  engine::shuffle(order, random);
  double factor[4];
  for (int i = 0; i < 3; ++i) factor[i] = random.uniform(std::max(0.0, 1 - amount[i]), 1 + amount[i]);
  factor[3] = random.uniform(-amount[3], amount[3]);
  for (int i = 0; i < 4; ++i) {
    if (amount[order[i]] == 0) continue;
    v.jitter[i] = Jitter(order[i] + 1);
    v.factor[i] = float(factor[order[i]]);
  }
}

}  // namespace

View draw(const ViewRecipe& recipe, std::uint64_t seed, std::uint32_t epoch, std::uint32_t sample,
          std::uint32_t view, std::int64_t offset, int height, int width, int size) {
  engine::require(height > 0 && width > 0 && size > 0, "draw: an image of ", height, " x ", width,
                  " pixels for a view of ", size, ", expected at least 1");
  constexpr std::uint32_t views =
      0x76696577;  // "view": separates these random numbers from others keyed by (seed, epoch)
  Random random(seed, epoch, sample, views + view);
  // Every random number is drawn, used or not, and the crop comes last because its number of draws varies. A
  // change of one probability therefore leaves all other parameters unchanged.
  const double flip = random.uniform(), rotate = random.uniform(), jitter = random.uniform(),
               gray = random.uniform(), blur = random.uniform(), solarize = random.uniform();
  const double angle = random.uniform(-recipe.rotate_degrees, recipe.rotate_degrees);
  const double sigma = random.uniform(recipe.blur_sigma.low, recipe.blur_sigma.high);

  View v{};
  v.offset = offset;
  v.height = height;
  v.width = width;
  v.bicubic = recipe.bicubic;
  v.antialias = recipe.antialias;
  v.flip = flip < recipe.flip_p;
  if (rotate < recipe.rotate_p) v.angle = float(angle);
  v.grayscale = gray < recipe.gray_p;
  if (blur < recipe.blur_p) {
    const int most = std::min(kernels::max_blur_kernel, 2 * size - 1);
    v.blur_sigma = float(sigma);
    v.blur_kernel = std::clamp(int(recipe.blur_kernel * size) | 1, 1, most);
  }
  v.solarize = solarize < recipe.solarize_p ? recipe.solarize_threshold : 256;
  View drawn = v;
  draw_jitter(recipe, random, drawn);
  if (jitter < recipe.jitter_p) v = drawn;
  if (!recipe.random_crop)
    center_crop(recipe.center, v);
  else if (recipe.rules == kernels::ViewRules::tensorflow)
    draw_tensorflow_crop(recipe, random, v);
  else
    draw_crop(recipe, random, v);
  return v;
}

engine::Tensor pack(const std::vector<View>& views) {
  engine::Tensor t({std::int64_t(views.size()), std::int64_t(sizeof(View))}, engine::DType::u8, engine::cpu);
  if (!views.empty()) std::memcpy(t.raw(), views.data(), t.bytes());
  return t;
}

}  // namespace data
