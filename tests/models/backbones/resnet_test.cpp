// ResNet and the projection head: torchvision's names, counts and shapes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/ops.h"
#include "engine/random.h"
#include "models/methods/branch.h"
#include "models/probes/image_classifier.h"

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

// torchvision: 44,549,160 and 60,192,808 parameters with fc. Chen et al. 2020: 94 and 375 million for a
// ResNet-50 of twice and four times the width.
TEST_CASE("deep and wide encoders have the published numbers of parameters") {
  struct Published {
    const char* name;
    double width;
    std::int64_t parameters;  // without fc
    double millions;          // of a wide one
  };
  for (const Published& e :
       {Published{"resnet101", 1, 44549160 - 2049000, 0}, Published{"resnet152", 1, 60192808 - 2049000, 0},
        Published{"resnet50", 2, 0, 94}, Published{"resnet50", 4, 0, 375}}) {
    CAPTURE(e.name);
    CAPTURE(e.width);
    Parameters p(cpu, DType::f32, 0);
    std::int64_t count = 0, blocks = 0;
    for (const Parameter& q : p.outline<Encoder>(
             models::ResNetConfig{.name = e.name, .stem = models::Stem::imagenet, .width = e.width})) {
      if (q.trained) count += q.value.numel();
      if (q.name.ends_with("conv3.weight")) ++blocks;
    }
    CHECK(blocks == (std::string(e.name) == "resnet50" ? 16 : std::string(e.name) == "resnet101" ? 33 : 50));
    if (e.parameters > 0) CHECK(count == e.parameters);
    if (e.millions > 0) CHECK(std::abs(double(count) / 1e6 - e.millions) < 0.6);
    const int out = int(2048 * e.width);
    CHECK(has(p, "layer4.2.conv3.weight", {out, 1, 1, out / 4}));
    CHECK(has(p, "layer3.5.bn2.running_mean", {out / 8}));
  }
}

TEST_CASE("a narrow ResNet-101 gives features, and every parameter a gradient") {
  Parameters p(cpu, DType::f32, 0);
  const Encoder encoder = p.build<Encoder>(models::ResNetConfig{.name = "resnet101", .width = 0.125});
  CHECK(encoder.net.features == 256);
  Random r(1);
  std::vector<double> values(2 * 8 * 8 * 3);
  for (double& v : values) v = r.uniform(-1, 1);
  const Tensor y = encoder.net(from_vector({2, 8, 8, 3}, values, DType::f32), {});
  CHECK(y.shape() == Shape{2, 256});
  backward(sum(y));
  for (const Parameter& q : p.list())
    if (q.trained) CHECK(has_gradient(q.value));
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

// The smallest power of two by which a patch can move without a change of the features: the product of the
// strides of all layers that are followed by a mean over all places.
static int total_stride(const models::ResNetConfig& config) {
  Parameters p(cpu, DType::f64, 0);
  const Encoder encoder = p.build<Encoder>(config);
  const NoGrad no_grad;
  constexpr int side = 512, patch = 40;
  const auto features = [&](int at) {
    Random random(5);
    std::vector<double> pixels(std::size_t(side * side * 3));
    for (int y = 0; y < patch; ++y)
      for (int x = 0; x < patch; ++x)
        for (int c = 0; c < 3; ++c)
          pixels[std::size_t(((at + y) * side + at + x) * 3 + c)] = random.uniform(-1, 1);
    return encoder.net(from_vector({1, side, side, 3}, pixels, DType::f64), {Mode::eval, single()})
        .to_vector();
  };
  const std::vector<double> still = features(224);
  for (int stride = 1; stride <= 32; stride *= 2) {
    const std::vector<double> moved = features(224 + stride);
    double most = 0;
    for (std::size_t i = 0; i < still.size(); ++i) most = std::max(most, std::abs(moved[i] - still[i]));
    if (most < 1e-12) return stride;
  }
  return 64;
}

TEST_CASE("features are those of stride 8 behind the CIFAR stem, and of 32 behind ImageNet's") {
  for (const char* name : {"resnet10", "resnet50"}) {
    CAPTURE(name);
    CHECK(total_stride({.name = name, .stem = models::Stem::cifar, .width = 0.0625}) == 8);
    CHECK(total_stride({.name = name, .stem = models::Stem::imagenet, .width = 0.0625}) == 32);
  }
}

TEST_CASE("the error for an unknown arch lists the known ones") {
  Parameters p(cpu, DType::f32, 0);
  CHECK_THROWS_WITH(
      p.build<Encoder>(models::ResNetConfig{.name = "resnet19"}),
      "arch is \"resnet19\", expected one of resnet10, resnet18, resnet34, resnet50, resnet101, "
      "resnet152");
}

// Layer by layer, with the same weights.
TEST_CASE("a classifier behind the first layers of the head gets what the head's next layer gets") {
  for (const auto norm : {models::HeadNorm::all, models::HeadNorm::none}) {
    const models::BranchConfig c{.encoder = {.name = "resnet10", .width = 0.125},
                                 .projection = {.layers = 3, .hidden = 24, .out = 12, .norm = norm}};
    Parameters whole(cpu, DType::f32, 3), part(cpu, DType::f32, 4), bare(cpu, DType::f32, 5);
    const auto branch = whole.build<models::Branch>(c);
    const auto net = part.build<models::ImageClassifier>(c, 2, 7);
    const auto plain = bare.build<models::ImageClassifier>(c, 0, 7);
    for (Parameters* to : {&part, &bare})
      for (const char* prefix : {"encoder.", "projection."}) copy_parameters(whole, *to, prefix);
    CHECK(has(part, "fc.weight", {7, 24}));
    CHECK(has(bare, "fc.weight", {7, 64}));
    const auto named = [&](const std::string& name) {
      const auto found = std::find_if(whole.list().begin(), whole.list().end(),
                                      [&](const Parameter& p) { return p.name == "projection." + name; });
      return found == whole.list().end() ? Tensor() : found->value.detach();
    };
    const NoGrad no_grad;
    const models::Pass eval{.mode = Mode::eval};
    const Tensor images = full({2, 16, 16, 3}, 0.7, DType::f32, cpu), h = plain.features(images, eval);
    CHECK(h.to_vector() == branch.encoder(images, eval).to_vector());
    Tensor x = h;
    for (const std::string layer : {"1", "2"}) {
      x = linear(x, named("linear" + layer + ".weight"), named("linear" + layer + ".bias"));
      if (norm == models::HeadNorm::all)
        x = batch_norm(x, named("bn" + layer + ".weight"), named("bn" + layer + ".bias"),
                       {named("bn" + layer + ".running_mean"), named("bn" + layer + ".running_var"),
                        named("bn" + layer + ".num_batches_tracked")},
                       Mode::eval, single(), {.relu = true});
      else
        x = relu(x);
    }
    CHECK(net.features(images, eval).to_vector() == x.to_vector());
  }
}

TEST_CASE("the head has one to four layers, each with a batch norm") {
  for (int layers : {1, 2, 3, 4}) {
    Parameters p(cpu, DType::f32, 0);
    const auto net = p.build<models::Branch>(
        models::BranchConfig{.encoder = {.name = "resnet10", .width = 0.125},
                             .projection = {.layers = layers, .hidden = 24, .out = 12}});
    const auto linears = std::count_if(p.list().begin(), p.list().end(), [](const Parameter& q) {
      return q.name.starts_with("projection.linear") && q.name.ends_with(".weight");
    });
    CHECK(linears == layers);
    if (layers > 1) CHECK(has(p, "projection.linear1.weight", {24, 64}));
    CHECK(has(p, "projection.linear" + std::to_string(layers) + ".weight", {12, layers > 1 ? 24 : 64}));
    CHECK(has(p, "projection.bn" + std::to_string(layers) + ".weight", {12}));
    const NoGrad no_grad;
    CHECK(net(zeros({4, 16, 16, 3}, DType::f32, cpu), {}).shape() == Shape{4, 12});
  }
}
