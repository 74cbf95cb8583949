// Views made of parts of images are those made of the whole images.
#include "data/view_parts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "data/pack/pack_writer.h"
#include "data/view_batch.h"
#include "engine/error.h"
#include "tests/support/encode.h"
#include "tests/support/exif.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DType;

namespace {

constexpr int kSize = 24;

// Photograph-like files of several kinds and sizes, one of which is not a JPEG.
void write_images(const std::filesystem::path& folder, int count, int zoom) {
  std::filesystem::create_directories(folder);
  for (int i = 0; i < count; ++i) {
    const int height = (40 + 7 * (i % 5)) * zoom, width = (45 + 11 * (i % 4)) * zoom;
    std::vector<std::uint8_t> pixels;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < 3; ++c)
          pixels.push_back(std::uint8_t(128 + 60 * std::sin(0.2 * (x + i) / zoom + c) +
                                        50 * std::cos(0.3 * y / zoom - c + i)));
    const std::string name = folder / ("image" + std::to_string(i));
    if (i % 6 == 5) {
      std::ofstream(name + ".png", std::ios::binary)
          << encode_png(height, width, SPNG_COLOR_TYPE_TRUECOLOR, 8, pixels);
      continue;
    }
    const std::string jpeg = encode_jpeg(
        height, width, pixels, {.progressive = i % 5 == 4, .across = 1 + i % 2, .down = 1 + i / 2 % 2});
    std::ofstream(name + ".jpg", std::ios::binary) << with_exif(jpeg, 1 + i % 8);
  }
}

std::vector<double> views_of(const Dataset& set, const std::vector<ViewRecipe>& recipes,
                             const NeededPart& part, bool shuffle_second, int threads,
                             std::int64_t* bytes = nullptr) {
  const std::uint64_t seed = 5;
  Loader loader(
      set, {.batch = 8, .threads = threads, .seed = seed, .shuffle_second = shuffle_second, .part = part});
  ViewBatches views(recipes, kSize, seed, engine::cpu, DType::f32);
  std::vector<double> all;
  for (int i = 0; i < 2 * loader.batches_per_epoch(); ++i) {  // two epochs
    const Batch batch = loader.next();
    if (bytes) *bytes += std::int64_t(batch.pixels.size());
    const std::vector<double> values = views(batch).to_vector();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

}  // namespace

TEST_CASE("views of parts are the views of whole images, bit for bit") {
  const Scratch scratch;
  write_images(scratch.folder, 24, 1);
  const auto set = open_dataset(scratch.folder, Split::pretrain);
  for (const char* const name : {"simclr-imagenet", "byol-cifar", "imagenet"})
    for (const bool tensorflow : {false, true})
      for (const bool exif : {false, true}) {
        std::vector<ViewRecipe> recipes(2, view_recipe(name));
        recipes[1].scale.low = 0.3;
        recipes[0].rotate_p = 0.5, recipes[0].rotate_degrees = 30;
        for (ViewRecipe& r : recipes) r.rules = view_rules(tensorflow ? "tensorflow" : "torchvision");
        set->decode_as({.apply_exif = exif});
        INFO(name, tensorflow ? ", tensorflow" : ", torchvision", exif ? ", turned" : "");
        std::int64_t whole_bytes = 0, part_bytes = 0;
        const auto whole = views_of(*set, recipes, {}, false, 0, &whole_bytes);
        CHECK(views_of(*set, recipes, part_of_views(recipes, kSize, 5), false, 2, &part_bytes) == whole);
        CHECK(part_bytes < whole_bytes);
      }
}

TEST_CASE("views of a packed data set, whole and in part, are those of the files") {
  const Scratch scratch;
  write_images(scratch.folder / "photos", 16, 1);
  const std::vector<ViewRecipe> recipes(2, view_recipe("simclr-imagenet"));
  const auto files = views_of(*open_dataset(scratch.path("photos"), Split::pretrain), recipes, {}, false, 0);
  for (const auto encode : {PackOptions::Encode::keep, PackOptions::Encode::raw}) {
    const std::string pack = scratch.path(encode == PackOptions::Encode::raw ? "raw" : "kept");
    std::filesystem::create_directories(pack);
    write_pack(scratch.path("photos"), "", pack, {.encode = encode});
    const auto set = open_dataset(pack, Split::pretrain);
    for (const NeededPart& part : {NeededPart(), part_of_views(recipes, kSize, 5)})
      CHECK(views_of(*set, recipes, part, false, 1) == files);
  }
}

TEST_CASE("second views in another order are made of parts too") {
  const Scratch scratch;
  write_images(scratch.folder, 16, 1);
  const auto set = open_dataset(scratch.folder, Split::pretrain);
  const std::vector<ViewRecipe> recipes(2, view_recipe("moco2-imagenet"));
  CHECK(views_of(*set, recipes, part_of_views(recipes, kSize, 5), true, 1) ==
        views_of(*set, recipes, {}, true, 1));
}

TEST_CASE("a part is the smallest box around the crops") {
  const ViewRecipe recipe = view_recipe("simclr-imagenet");
  const NeededPart needed = part_of_views({recipe, recipe}, kSize, 3);
  double area = 0;
  for (std::uint32_t sample = 0; sample < 200; ++sample) {
    const Part part = needed(7, sample, 300, 400);
    CHECK(part.scale == 1);
    Box around;
    for (std::uint32_t v = 0; v < 2; ++v) {
      const View view = draw(recipe, 3, 7, sample, v, 0, 300, 400, kSize);
      const Box crop{view.top, view.left, view.crop_height, view.crop_width};
      around = v == 0 ? crop : joined(around, crop);
    }
    CHECK(part.box == around);
    area += double(around.height) * around.width / (300 * 400) / 200;
  }
  CHECK(area < 0.75);
}

TEST_CASE("scaled: crops at least twice as large as the view are decoded at 1/2, near the exact views") {
  const Scratch scratch;
  write_images(scratch.folder, 24, 4);
  const auto set = open_dataset(scratch.folder, Split::pretrain);
  ViewRecipe recipe = view_recipe("crop-imagenet");  // no colours, so that differences are those of decoding
  recipe.scale.low = 0.3;
  const std::vector<ViewRecipe> recipes(2, recipe);
  const NeededPart part = part_of_views(recipes, kSize, 5, CropDecoding::scaled);
  CHECK(part(0, 0, 300, 400).scale >= 2);
  CHECK(part(0, 0, 30, 40).scale == 1);
  for (const bool exif : {false, true}) {
    set->decode_as({.apply_exif = exif});
    std::int64_t whole_bytes = 0, part_bytes = 0;
    const auto exact = views_of(*set, recipes, {}, false, 0, &whole_bytes);
    const auto scaled = views_of(*set, recipes, part, false, 1, &part_bytes);
    CHECK(part_bytes < whole_bytes / 3);
    double sum = 0, largest = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const double difference = std::abs(exact[i] - scaled[i]);
      sum += difference;
      largest = std::max(largest, difference);
    }
    // a level of 8 bits is 0.017; half a pixel of the view is up to 0.15 here
    CHECK(sum / double(exact.size()) < 0.06);
    CHECK(largest < 1);
    CHECK(sum > 0);
  }
}

TEST_CASE("a view within a part keeps its pixels, and stays inside whatever the rounding") {
  View view{};
  view.top = 10, view.left = 20, view.crop_height = 30, view.crop_width = 40;
  const View same = within(view, {100, 200, 5, 8}, 60, 70);
  CHECK(same.top == 5);
  CHECK(same.left == 12);
  CHECK(same.crop_height == 30);
  CHECK(same.crop_width == 40);
  CHECK(same.height == 60);
  CHECK(same.width == 70);
  for (int top = 0; top < 12; ++top)
    for (int end = top + 4; end <= 16; ++end)
      for (const int begin : {top / 4, top / 4 + 1}) {
        view.top = top, view.crop_height = end - top;
        const int height = std::max(1, (end + 3) / 4 - begin);
        const View v = within(view, {16, 200, begin, 0, 4}, height, 60);
        CHECK(v.top >= 0);
        CHECK(v.crop_height >= 1);
        CHECK(v.top + v.crop_height <= height);
      }
}
