// Views by TensorFlow's rules against TensorFlow's own (golden file of scripts/lab/augment_tensorflow.py),
// and its crops.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "data/views.h"
#include "engine/ops.h"
#include "tests/support/golden_file.h"

using namespace engine;
using kernels::View;

namespace {

struct Largest {
  int cases = 0;
  double difference = 0;
};

// The largest difference of each op from TensorFlow, of values in 0 .. 1.
std::map<std::string, Largest> differences_from_tensorflow() {
  GoldenFile file("tests/golden/augment_tensorflow.bin", "DYADAUG2");
  const auto count = file.number<std::int32_t>();
  std::map<std::string, Largest> of;
  for (int i = 0; i < count; ++i) {
    char name[17] = {};
    file.read(name, 16);
    const auto size = file.number<std::int32_t>();
    const auto bytes = file.number<std::int64_t>();
    const Tensor pixels({bytes}, DType::u8, cpu);
    View view;
    std::vector<float> expected(std::size_t(size) * std::size_t(size) * 3);
    file.read(pixels.raw(), std::size_t(bytes)), file.read(&view, sizeof view);
    file.read(expected.data(), expected.size() * sizeof(float));
    const Tensor made = augment(pixels, data::pack({view}), size, {{0, 0, 0}, {1, 1, 1}}, DType::f32,
                                kernels::ViewRules::tensorflow);
    Largest& largest = of[name];
    ++largest.cases;
    for (std::size_t k = 0; k < expected.size(); ++k)
      largest.difference =
          std::max(largest.difference, std::abs(double(made.data<float>()[k] - expected[k])));
  }
  return of;
}

}  // namespace

TEST_CASE("views by TensorFlow's rules are TensorFlow's, within 2e-6") {
  const Threads before = cpu_threads();
  for (const Threads threads : {Threads::host, Threads::gpu}) {
    cpu_threads() = threads;
    const auto of = differences_from_tensorflow();
    CHECK(of.size() == 10);
    for (const auto& op : of) {
      INFO(op.first, ": ", op.second.cases, " cases, ", op.second.difference);
      CHECK(op.second.difference <= 2e-6);
    }
  }
  cpu_threads() = before;
}

// The figures are of 20,000 crops that TensorFlow draws; the tolerance is some three standard errors.
TEST_CASE("crops by TensorFlow's rules have the distribution of tf.image.sample_distorted_bounding_box") {
  struct Expected {
    int height, width;
    double area, areas[3], ratio, ratios[3];  // means, and the quantiles 0.1, 0.5, 0.9
  };
  for (const Expected& e :
       {Expected{300, 200, 0.3399, {0.1328, 0.3138, 0.5833}, 1.0394, {0.8065, 1.0378, 1.2728}},
        Expected{32, 32, 0.4340, {0.1406, 0.4043, 0.7812}, 1.0422, {0.8095, 1.0455, 1.2778}}}) {
    CAPTURE(e.width);
    data::ViewRecipe recipe = data::view_recipe("simclr-imagenet");
    recipe.rules = kernels::ViewRules::tensorflow;
    constexpr int count = 20000;
    std::vector<double> areas, ratios;
    for (std::uint32_t sample = 0; sample < count; ++sample) {
      const View v = data::draw(recipe, 1, 0, sample, 0, 0, e.height, e.width, 32);
      REQUIRE(kernels::fault(v, 3LL * e.height * e.width, 32) == nullptr);
      areas.push_back(double(v.crop_height) * v.crop_width / (e.height * e.width));
      ratios.push_back(double(v.crop_width) / v.crop_height);
    }
    const auto check = [&](std::vector<double> x, double mean, const double* quantiles, double tolerance) {
      double sum = 0;
      for (const double each : x) sum += each;
      CHECK(std::abs(sum / count - mean) <= tolerance);
      std::sort(x.begin(), x.end());
      for (int q = 0; q < 3; ++q)
        CHECK(std::abs(x[std::size_t((0.1 + 0.4 * q) * count)] - quantiles[q]) <= 3 * tolerance);
    };
    check(areas, e.area, e.areas, 0.006);
    check(ratios, e.ratio, e.ratios, 0.005);
  }
}
