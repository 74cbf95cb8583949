// ResNet and the projection head: torchvision's names, counts and shapes.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "models/methods/branch.h"

using namespace engine;

namespace {

struct Encoder {
  models::ResNet net;
  Encoder(const Scope& s, const models::ResNetConfig& c) : net(s, c) {}
};

bool has(const Parameters& p, const std::string& name, const Shape& shape) {
  return std::any_of(p.list().begin(), p.list().end(),
                     [&](const Parameter& q) { return q.name == name && q.value.shape() == shape; });
}

}  // namespace

TEST_CASE("tensors and parameters are torchvision's, without fc") {
  struct Expected {
    const char* name;
    std::size_t tensors;
    std::int64_t parameters;
    int features;
  };
  for (const Expected& e :
       {Expected{"resnet18", 120, 11176512, 512}, Expected{"resnet34", 216, 21284672, 512},
        Expected{"resnet50", 318, 23508032, 2048}}) {
    INFO(e.name);
    Parameters p(cpu, DType::f32, 0);
    const Encoder encoder =
        p.build<Encoder>(models::ResNetConfig{.name = e.name, .stem = models::Stem::imagenet});
    CHECK(p.list().size() == e.tensors);
    CHECK(p.trained_count() == e.parameters);
    CHECK(encoder.net.features == e.features);
    CHECK(has(p, "conv1.weight", {64, 7, 7, 3}));
    CHECK(has(p, "bn1.num_batches_tracked", {1}));
    CHECK(has(p, "layer1.0.bn2.running_var", {64}));
    CHECK(has(p, "layer2.0.downsample.0.weight", {e.features / 4, 1, 1, e.features == 512 ? 64 : 256}));
  }
}

TEST_CASE("the CIFAR stem keeps the size, ImageNet's divides it by four; width scales the channels") {
  for (const auto stem : {models::Stem::cifar, models::Stem::imagenet}) {
    Parameters p(cpu, DType::f32, 0);
    const Encoder encoder =
        p.build<Encoder>(models::ResNetConfig{.name = "resnet10", .stem = stem, .width = 0.25});
    CHECK(encoder.net.features == 128);
    CHECK(has(p, "conv1.weight", stem == models::Stem::cifar ? Shape{16, 3, 3, 3} : Shape{16, 7, 7, 3}));
    const NoGrad no_grad;
    const Tensor y = encoder.net(zeros({2, 33, 47, 3}, DType::f32, cpu), {});
    CHECK(y.shape() == Shape{2, 128});
  }
}

TEST_CASE("the error for an unknown arch lists the known ones") {
  Parameters p(cpu, DType::f32, 0);
  CHECK_THROWS_WITH(p.build<Encoder>(models::ResNetConfig{.name = "resnet19"}),
                    "arch is \"resnet19\", expected resnet10, resnet18, resnet34 or resnet50");
}

TEST_CASE("the head has two or three layers, each with a batch norm") {
  for (int layers : {2, 3}) {
    Parameters p(cpu, DType::f32, 0);
    const auto net = p.build<models::Branch>(
        models::BranchConfig{.encoder = {.name = "resnet10", .width = 0.125},
                             .projection = {.layers = layers, .hidden = 24, .out = 12}});
    CHECK(has(p, "projection.linear1.weight", {24, 64}));
    CHECK(has(p, "projection.linear" + std::to_string(layers) + ".weight", {12, 24}));
    CHECK(has(p, "projection.bn" + std::to_string(layers) + ".weight", {12}));
    const NoGrad no_grad;
    CHECK(net(zeros({4, 16, 16, 3}, DType::f32, cpu), {}).shape() == Shape{4, 12});
  }
}
