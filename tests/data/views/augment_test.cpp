// augment against torchvision (golden file of scripts/lab/augment_golden.py), and its errors.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "data/views.h"
#include "engine/ops.h"
#include "tests/support/golden_file.h"
#include "tests/support/scratch.h"

using namespace engine;
using kernels::Normalization;
using kernels::View;

namespace {

struct Golden {
  std::string name;
  int size;
  Tensor pixels;
  View view;
  std::vector<std::uint8_t> result;
};

std::vector<Golden> golden_views() {
  GoldenFile file("tests/golden/augment.bin", "DYADAUG1");
  const auto count = file.number<std::int32_t>();
  std::vector<Golden> cases;
  for (int i = 0; i < count; ++i) {
    char name[17] = {};
    file.read(name, 16);
    const auto size = file.number<std::int32_t>();
    const auto bytes = file.number<std::int64_t>();
    Golden g{name, size, Tensor({bytes}, DType::u8, cpu), {}, {}};
    file.read(g.pixels.raw(), std::size_t(bytes));
    file.read(&g.view, sizeof(View));
    g.result.resize(std::size_t(size) * std::size_t(size) * 3);
    file.read(g.result.data(), g.result.size());
    cases.push_back(std::move(g));
  }
  return cases;
}

const Normalization levels{{0, 0, 0}, {1 / 255.0, 1 / 255.0, 1 / 255.0}};  // keeps 0 .. 255

struct Agreement {
  std::size_t values = 0, equal = 0, near = 0;  // near: within one level
  void add(const Tensor& got, const std::vector<std::uint8_t>& expected) {
    const auto v = got.to_vector();
    REQUIRE(v.size() == expected.size());
    for (std::size_t i = 0; i < v.size(); ++i) {
      const double d = std::abs(std::round(v[i]) - expected[i]);
      ++values, equal += d == 0, near += d <= 1;
    }
  }
};

void compare_with_torchvision(Threads threads) {
  struct Restore {
    Threads before = cpu_threads();
    ~Restore() { cpu_threads() = before; }
  } restore;
  cpu_threads() = threads;
  std::map<std::string, Agreement> ops;
  for (const Golden& g : golden_views())
    ops[g.name].add(augment(g.pixels, data::pack({g.view}), g.size, levels, DType::f32), g.result);
  REQUIRE(ops.size() > 30);
  for (const auto& op : ops) {
    const Agreement& a = op.second;
    INFO(op.first, ": ", a.values, " values, ", a.equal, " equal, ", a.near, " within one level");
    CHECK(a.near >= 0.999 * double(a.values));
    CHECK(a.equal >= 0.995 * double(a.values));
  }
}

}  // namespace

TEST_CASE("views equal torchvision's: one thread per block") { compare_with_torchvision(Threads::host); }
TEST_CASE("views equal torchvision's: the GPU's block sizes") { compare_with_torchvision(Threads::gpu); }

TEST_CASE("a view without ops is the normalized image, in every dtype") {
  const Tensor pixels = Tensor({2 * 2 * 3}, DType::u8, cpu);
  for (int i = 0; i < 12; ++i) pixels.data<std::uint8_t>()[i] = std::uint8_t(i * 23);
  View v{};
  v.height = v.width = v.crop_height = v.crop_width = 2;
  v.solarize = 256;
  const Normalization n{{0.5, 0.4, 0.3}, {0.2, 0.25, 0.5}};
  for (const auto& [dtype, tolerance] :
       {std::pair{DType::f64, 1e-15}, {DType::f32, 1e-6}, {DType::bf16, 8e-3}}) {
    const auto y = augment(pixels, data::pack({v}), 2, n, dtype).to_vector();
    for (int i = 0; i < 12; ++i) {
      const double expected = (i * 23 / 255.0 - n.mean[i % 3]) / n.std[i % 3];
      CHECK(std::abs(y[std::size_t(i)] - expected) <= tolerance * (1 + std::abs(expected)));
    }
  }
}

TEST_CASE("views of different images in one buffer are independent") {
  std::vector<Golden> all;
  for (Golden& g : golden_views())
    if (g.size == 20) all.push_back(std::move(g));
  REQUIRE(all.size() > 10);
  std::vector<View> views;
  std::int64_t bytes = 0;
  for (const Golden& g : all) {
    views.push_back(g.view);
    views.back().offset = bytes;
    bytes += g.pixels.numel();
  }
  const Tensor pixels({bytes}, DType::u8, cpu);
  for (std::size_t i = 0; i < all.size(); ++i)
    std::memcpy(pixels.data<std::uint8_t>() + views[i].offset, all[i].pixels.raw(), all[i].pixels.bytes());
  const Tensor together = augment(pixels, data::pack(views), 20, levels, DType::f32);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Tensor alone = augment(all[i].pixels, data::pack({all[i].view}), 20, levels, DType::f32);
    CHECK(together.slice(std::int64_t(i), 1).to_vector() == alone.to_vector());
  }
}

TEST_CASE("augment: error messages") {
  const Tensor pixels({30 * 20 * 3}, DType::u8, cpu);
  pixels.fill_zero();
  View good{};
  good.height = 30, good.width = 20, good.crop_height = 10, good.crop_width = 10, good.solarize = 256;
  const auto message = [&](auto change, int size = 8) {
    View v = good;
    change(v);
    return message_of<std::invalid_argument>([&] {
      augment(pixels, data::pack({good, v}), size, levels, DType::f32);
    });
  };
  CHECK(message([](View&) {}) == "");
  CHECK(message([](View& v) { v.left = 11; }) ==
        "augment: view 1 has a crop box that is not inside the source image");
  CHECK(message([](View& v) { v.crop_height = 0; }).find("crop box") != std::string::npos);
  CHECK(message([](View& v) { v.offset = 1; }).find("pixel buffer") != std::string::npos);
  CHECK(message([](View& v) { v.height = 0; }).find("empty source") != std::string::npos);
  constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
  for (const std::int64_t offset : {std::numeric_limits<std::int64_t>::max(),
                                    std::numeric_limits<std::int64_t>::max() - 190, std::int64_t(1801)})
    CHECK(message([=](View& v) { v.offset = offset; }).find("pixel buffer") != std::string::npos);
  CHECK(message([](View& v) { v.height = v.width = most; }).find("pixel buffer") != std::string::npos);
  for (const auto member : {&View::top, &View::left, &View::crop_height, &View::crop_width})
    CHECK(message([=](View& v) { v.*member = most; }).find("crop box") != std::string::npos);
  CHECK(message([](View& v) { v.blur_sigma = -1; }).find("a blur sigma that is negative") !=
        std::string::npos);
  CHECK(message([](View& v) { v.blur_sigma = 1, v.blur_kernel = 4; }).find("blur kernel") !=
        std::string::npos);
  CHECK(message([](View& v) { v.blur_sigma = 1, v.blur_kernel = 17; }).find("blur kernel") !=
        std::string::npos);
  CHECK(message([](View& v) { v.blur_sigma = 1, v.blur_kernel = 15; }) == "");
  CHECK(message([](View&) {}, 225) ==
        "augment: views of 225 pixels, expected 1 to 224, which fit a block's shared memory");
  CHECK(message_of<std::invalid_argument>([&] { augment(pixels, pixels, 8, levels, DType::f32); }) ==
        "augment: views are u8 (1800), expected u8 (n,72)");
}
