// dyad info: the encoders' convolutions, and the algorithm of each.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/bench/convolutions.h"
#include "apps/cli/commands.h"
#include "apps/system/machine.h"

namespace {

struct Total {
  int count = 0;
  std::int64_t products = 0;  // multiplications per image
};

Total total(const apps::InfoOptions& o) {
  Total t;
  for (const auto& c : apps::encoder_convolutions(o)) {
    const auto& s = c.shape;
    t.count += c.count;
    t.products += c.count * s.p() * s.q() * s.k * s.r * s.s * s.c;
  }
  return t;
}

TEST_CASE("info: convolutions of the encoders") {
  // multiply-adds of torchvision's models at 224 pixels as fvcore counts them, less those of their fc
  const Total r18 = total({.arch = "resnet18", .stem = "imagenet", .size = 224});
  CHECK(r18.count == 20);
  CHECK(r18.products == 1814073344 - 512 * 1000);
  const Total r50 = total({.arch = "resnet50", .stem = "imagenet", .size = 224});
  CHECK(r50.count == 53);
  CHECK(r50.products == 4089184256 - 2048 * 1000);
  CHECK(total({.arch = "resnet34"}).count == 36);
  CHECK(total({.arch = "resnet10"}).count == 12);

  const auto cifar =
      apps::encoder_convolutions({.arch = "resnet18", .stem = "cifar", .batch = 7, .size = 32});
  CHECK(cifar.front().shape == kernels::ConvolutionShape{7, 32, 32, 3, 64, 3, 3, 1, 1});
  CHECK(cifar[1].first == "layer1.0.conv1");
  CHECK(cifar[1].count == 4);
  CHECK(cifar[1].shape == kernels::ConvolutionShape{7, 32, 32, 64, 64, 3, 3, 1, 1});
  CHECK(cifar.back().shape == kernels::ConvolutionShape{7, 8, 8, 256, 512, 1, 1, 2, 0});
}

TEST_CASE("info: every convolution has a fast algorithm") {
  for (const std::string dtype : {"f32", "f64", "bf16"}) {
    for (const char* arch : {"resnet18", "resnet50"})
      for (const auto& c :
           apps::encoder_convolutions({.arch = arch, .width = 0.25, .batch = 2, .dtype = dtype}))
        for (const std::string& name : apps::algorithms(c.shape, dtype)) {
          CAPTURE(arch);
          CAPTURE(dtype);
          CAPTURE(c.first);
          CHECK_FALSE(name.empty());
          CHECK(name.find("ref") == std::string::npos);
        }
  }
}

TEST_CASE("info: the machine, as JSON") {
  const std::string path = std::filesystem::temp_directory_path() / "dyad_info_test.json";
  REQUIRE(apps::info({.arch = "resnet10", .width = 0.125, .batch = 2, .json = path}) == 0);
  const auto j = nlohmann::json::parse(std::ifstream(path));
  std::filesystem::remove(path);
  CHECK(j.at("version").get<std::string>().rfind("dyad ", 0) == 0);
  CHECK(j.at("cpu").at("cores").get<int>() >= 1);
  CHECK(j.at("convolutions").size() >= 8);
  // either there are CUDA devices, or a line says why there are none
  CHECK(j.at("cuda").at("devices").empty() != j.at("cuda").at("why_none").get<std::string>().empty());

  apps::CpuInfo old{.model = "old", .cores = 1, .features = {"avx2", "fma"}};
  CHECK(apps::bf16_products(old) == "for memory; products are f32");
}

}  // namespace
