// The encoder as an ONNX file: read by a reader of its own, and computed.
#include "apps/export/onnx_encoder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "apps/cli/cli.h"
#include "apps/run/model.h"
#include "data/views.h"
#include "engine/ops.h"
#include "engine/random.h"
#include "engine/tape.h"
#include "tests/support/onnx_interpreter.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {

// A trained encoder: no statistic, scale or shift is the one that a new batch norm has.
struct OnnxCase {
  apps::PretrainOptions run;
  std::unique_ptr<models::Method> method;

  OnnxCase(const std::string& arch, const std::string& stem, int size = 16) {
    run.arch = arch;
    run.stem = stem;
    run.width = 0.125;
    run.out_dim = 16;
    run.batch = 8;
    run.size = size;
    apps::resolve(run, true);
    method = apps::make_method(run, cpu);
    double wave = 0;
    for (const Parameter& p : method->parameters.list())
      if (p.value.dtype() == DType::f32 && p.value.shape().rank() == 1)
        for (std::int64_t i = 0; i < p.value.numel(); ++i)
          p.value.data<float>()[i] += 0.3F * float(std::sin(wave += 1));
  }

  OnnxModel exported(const apps::OnnxOptions& o) const {
    const Scratch scratch;
    apps::encoder_graph(method->parameters, run, o)
        .write(scratch.path("e.onnx"), apps::onnx_metadata(run, o));
    return read_onnx(scratch.read("e.onnx"));
  }

  std::string bytes(const apps::OnnxOptions& o) const {
    const Scratch scratch;
    apps::encoder_graph(method->parameters, run, o).write(scratch.path("e.onnx"), {});
    return scratch.read("e.onnx");
  }

  // The encoder's own features of 8-bit images (N,S,S,3).
  std::vector<double> features(const OnnxArray& images) const {
    const data::Normalization n = data::view_recipe(run.recipe).normalization;
    std::vector<double> normalized;
    for (std::size_t i = 0; i < images.values.size(); ++i)
      normalized.push_back((images.values[i] / 255 - n.mean[i % 3]) / n.std[i % 3]);
    const NoGrad no_grad;
    const Tensor x = from_vector({images.dim(0), images.dim(1), images.dim(2), 3}, normalized, DType::f32);
    return method->branch().encoder(x, {.mode = Mode::eval}).to_vector();
  }
};

OnnxArray onnx_images(int count, int size) {
  OnnxArray a{{count, size, size, 3}, {}};
  for (int i = 0; i < count * size * size * 3; ++i) a.values.push_back((i * 37 + i * i % 101) % 256);
  return a;
}

// 8-bit images as --input and --normalize want them.
OnnxArray onnx_input(const OnnxArray& images, const apps::OnnxOptions& o, const std::string& recipe) {
  if (o.input == "nhwc-u8") return images;
  const data::Normalization n = data::view_recipe(recipe).normalization;
  OnnxArray a = onnx_apply({"Transpose", "", "", {}, {{"perm", {0, 3, 1, 2}}}, {}}, {&images});
  const auto pixels = std::size_t(a.dim(2) * a.dim(3));
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const std::size_t c = i / pixels % 3;
    a.values[i] /= 255;
    if (o.normalize == "outside") a.values[i] = (a.values[i] - n.mean[c]) / n.std[c];
  }
  return a;
}

// The largest difference over the largest value.
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double off = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    off = std::max(off, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  REQUIRE(size > 0);
  return off / size;
}

}  // namespace

TEST_CASE("onnx: the graph computes the encoder's features, folded or not, of each kind of input") {
  for (const auto& [arch, stem] : {std::pair{"resnet10", "cifar"},
                                   {"resnet10", "imagenet"},
                                   {"resnet50", "imagenet"},
                                   {"resnet18", "cifar"}}) {
    const OnnxCase c(arch, stem);
    const OnnxArray images = onnx_images(3, c.run.size);
    const std::vector<double> expected = c.features(images);
    for (const bool fold : {false, true})
      for (const apps::OnnxOptions& o :
           {apps::OnnxOptions{.fold_batch_norm = fold},
            {.input = "nchw-f32", .fold_batch_norm = fold},
            {.input = "nchw-f32", .normalize = "outside", .fold_batch_norm = fold}}) {
        CAPTURE(c.run.arch);
        CAPTURE(c.run.stem);
        CAPTURE(fold);
        CAPTURE(o.input);
        CAPTURE(o.normalize);
        const auto outputs = run_onnx(c.exported(o), onnx_input(images, o, c.run.recipe));
        CHECK(outputs.at("gap").dims == std::vector<std::int64_t>{3, c.method->branch().encoder.features});
        CHECK(difference(outputs.at("gap").values, expected) < 1e-5);
      }
  }
}

TEST_CASE("onnx: f16 weights, f32 statistics and outputs") {
  const OnnxCase c("resnet10", "cifar");
  const OnnxArray images = onnx_images(2, c.run.size);
  for (const bool fold : {false, true}) {
    CAPTURE(fold);
    const OnnxModel m = c.exported({.features = "gap,c5", .dtype = "f16", .fold_batch_norm = fold});
    for (const auto& [constant, type] : m.constant_types) {
      const std::string name = constant;  // clang 14 captures no structured binding
      CAPTURE(name);
      const bool f32 = name.starts_with("images.") || name.find("bn") != std::string::npos ||
                       name.find("downsample.1") != std::string::npos;
      CHECK(type == (f32 ? 1 : 10));
    }
    for (const OnnxValueInfo& o : m.outputs) CHECK(o.type == 1);
    const auto outputs = run_onnx(m, images);
    const double off = difference(outputs.at("gap").values, c.features(images));
    CHECK(off < 5e-3);
    CHECK(off > 1e-6);  // the weights are rounded
  }
  // a value beyond f16 is refused, and one line names it
  for (const Parameter& p : c.method->parameters.list())
    if (p.name == "encoder.conv1.weight") p.value.data<float>()[0] = 7e4F;
  CHECK(message_of<UsageError>([&] { (void)c.exported({.dtype = "f16"}); }) ==
        "--dtype f16: conv1.weight has the value 70000, expected at most 65504 in size, which is f16's "
        "largest; "
        "--dtype f32 holds it");
}

TEST_CASE("onnx: the maps of the stages, and no more of the encoder than they need") {
  const OnnxCase c("resnet18", "imagenet", 64);
  const OnnxModel all = c.exported({.features = "c2,c3,c4,c5,gap"});
  std::vector<std::string> shapes;
  for (const OnnxValueInfo& o : all.outputs) {
    std::string text = o.name;
    for (const std::string& d : o.dims) text += " " + d;
    shapes.push_back(text);
  }
  CHECK(shapes ==
        std::vector<std::string>{"c2 N 8 16 16", "c3 N 16 8 8", "c4 N 32 4 4", "c5 N 64 2 2", "gap N 64"});
  const auto outputs = run_onnx(all, onnx_images(1, 64));
  CHECK(outputs.at("c3").dims == std::vector<std::int64_t>{1, 16, 8, 8});
  std::vector<double> means(64, 0);  // the features are the means of c5
  for (std::size_t i = 0; i < 64 * 4; ++i) means[i / 4] += outputs.at("c5").values[i] / 4;
  CHECK(difference(outputs.at("gap").values, means) < 1e-12);

  const OnnxModel first = c.exported({.features = "c2"});
  CHECK(first.constants.contains("layer1.1.conv2.weight"));
  CHECK_FALSE(first.constants.contains("layer2.0.conv1.weight"));
  CHECK(run_onnx(first, onnx_images(1, 64)).at("c2").values == outputs.at("c2").values);
}

TEST_CASE("onnx: names, types, shapes and metadata of the file") {
  const OnnxCase c("resnet10", "cifar");
  const OnnxModel m = c.exported({});
  CHECK(m.ir == 8);
  CHECK(m.opset == 17);
  REQUIRE(m.inputs.size() == 1);
  CHECK(m.inputs[0].name == "images");
  CHECK(m.inputs[0].says == "RGB, values 0 to 255");
  CHECK(m.inputs[0].type == 2);
  CHECK(m.inputs[0].dims == std::vector<std::string>{"N", "16", "16", "3"});
  REQUIRE(m.outputs.size() == 1);
  CHECK(m.outputs[0].dims == std::vector<std::string>{"N", "64"});
  CHECK(m.metadata.at("normalize") == "inside");
  CHECK(m.metadata.at("interpolation") == "bilinear");

  const auto count = [&](const OnnxModel& of, const std::string& op) {
    return std::ranges::count_if(of.nodes, [&](const OnnxNode& n) { return n.op == op; });
  };
  CHECK(count(m, "Conv") == 12);  // the stem, four blocks of two, three shortcuts
  CHECK(count(m, "BatchNormalization") == 12);
  CHECK(m.constants.at("layer2.0.downsample.0.weight").dims == std::vector<std::int64_t>{16, 8, 1, 1});
  const OnnxModel folded = c.exported({.fold_batch_norm = true});
  CHECK(count(folded, "BatchNormalization") == 0);
  CHECK(folded.constants.size() == 2 + 2 * 12);

  const OnnxModel fixed = c.exported({.input = "nchw-f32", .fixed_batch = 4});
  CHECK(fixed.inputs[0].type == 1);
  CHECK(fixed.inputs[0].dims == std::vector<std::string>{"4", "3", "16", "16"});
  CHECK(fixed.outputs[0].dims == std::vector<std::string>{"4", "64"});
}

TEST_CASE("onnx: a folded batch norm is w gamma / sqrt(var + eps) and beta - mean gamma / sqrt(var + eps)") {
  const OnnxCase c("resnet10", "cifar");
  const OnnxModel plain = c.exported({}), folded = c.exported({.fold_batch_norm = true});
  for (const auto& [conv, norm] : {std::pair<std::string, std::string>{"conv1", "bn1"},
                                   {"layer3.0.downsample.0", "layer3.0.downsample.1"}}) {
    const auto values = [&](const std::string& name) { return plain.constants.at(name).values; };
    const auto w = values(conv + ".weight"), gamma = values(norm + ".weight"), beta = values(norm + ".bias"),
               mean = values(norm + ".running_mean"), var = values(norm + ".running_var");
    std::vector<double> weight, bias;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const std::size_t k = i / (w.size() / gamma.size());
      weight.push_back(w[i] * gamma[k] / std::sqrt(var[k] + 1e-5));
    }
    for (std::size_t k = 0; k < gamma.size(); ++k)
      bias.push_back(beta[k] - mean[k] * gamma[k] / std::sqrt(var[k] + 1e-5));
    CHECK(difference(folded.constants.at(conv + ".weight").values, weight) < 1e-7);
    CHECK(difference(folded.constants.at(conv + ".bias").values, bias) < 1e-7);
  }
}

TEST_CASE("onnx: the same encoder and options give the same bytes") {
  const OnnxCase c("resnet10", "cifar"), again("resnet10", "cifar");
  CHECK(c.bytes({}) == again.bytes({}));
  CHECK(c.bytes({}) != c.bytes({.fold_batch_norm = true}));
}

TEST_CASE("onnx: dyad export --format onnx of a run; wrong options are refused in one line") {
  const Scratch scratch;
  const std::string run = scratch.path("run"), file = scratch.path("e.onnx");
  const auto dyad = [](const std::vector<std::string>& words, std::string& says) {
    std::ostringstream out, err;
    const int code = apps::run_command_line(words, out, err);
    says = err.str();
    return code;
  };
  std::string says;
  REQUIRE(dyad({"pretrain", "--data=data/samples", "--run=" + run, "--arch=resnet10", "--width=0.125",
                "--out-dim=16", "--batch=8", "--steps=1"},
               says) == 0);
  REQUIRE(dyad({"export", "--run=" + run, "--out=" + file, "--format=onnx", "--size=48"}, says) == 0);
  const OnnxModel m = read_onnx(scratch.read("e.onnx"));
  CHECK(m.inputs[0].dims == std::vector<std::string>{"N", "48", "48", "3"});
  CHECK(m.metadata.at("arch") == "resnet10");
  CHECK(m.metadata.at("stem") == "cifar");
  CHECK(m.metadata.at("width") == "0.125");
  CHECK(m.metadata.at("size") == "48");
  CHECK(m.metadata.at("mean") == "0.4914,0.4822,0.4465");
  CHECK(m.metadata.at("step") == "1");
  CHECK(m.metadata.at("encoder_hash").size() == 16);

  const auto refused = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"export", "--run=" + run};
    words.insert(words.end(), more.begin(), more.end());
    std::string line;
    CHECK(dyad(words, line) == 2);
    return line;
  };
  const std::string other = "--out=" + scratch.path("x.onnx");
  CHECK(
      refused({other, "--format=onnx", "--normalize=outside"}) ==
      "dyad export: --normalize outside: normalized values don't fit in 8 bits, expected --input nchw-f32\n");
  CHECK(refused({other, "--format=onnx", "--data=data/samples"}) ==
        "dyad export: --data: --format onnx writes the encoder, expected --format safetensors or npy for "
        "features\n");
  CHECK(refused({"--out=" + scratch.path("x.safetensors"), "--fold-batch-norm"}) ==
        "dyad export: --fold-batch-norm: only --format onnx has it, but --format is safetensors\n");
  CHECK(refused({"--out=" + scratch.path("x"), "--format=onnx"}) ==
        "dyad export: --out " + scratch.path("x") + ": expected a name that ends in .onnx\n");
  CHECK(refused({other, "--format=onnx", "--features=c2,c6"}) ==
        "dyad export: --features is \"c2,c6\", expected some of gap, c2, c3, c4 and c5, separated by commas, "
        "each "
        "once\n");
  CHECK_FALSE(std::filesystem::exists(scratch.path("x.onnx")));
}
