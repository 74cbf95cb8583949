#include "apps/export/onnx_encoder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "apps/run/file_layout.h"
#include "data/views.h"
#include "engine/ops.h"
#include "models/backbones/resnet_depths.h"

namespace apps {
namespace {

using engine::concat_text;
using engine::DType;
using engine::Tensor;
using engine::UsageError;

const std::string kImages = "images";

// A value in the graph with the channels and the side of its maps.
struct Maps {
  std::string name;
  std::int64_t channels, side;
};

class EncoderGraph {
 public:
  EncoderGraph(const engine::Parameters& parameters, const PretrainOptions& run, const OnnxOptions& o)
      : run_(run), o_(o), compute_(o.dtype == "f16" ? OnnxType::f16 : OnnxType::f32) {
    const std::string encoder = "encoder.";
    for (const engine::Parameter& p : parameters.list())
      if (p.name.starts_with(encoder)) parameters_.emplace(p.name.substr(encoder.size()), &p);
  }

  OnnxGraph make() {
    outputs_ = feature_words(o_.features);
    Maps x = stem(images());
    const models::ResNetDepth& depth = models::resnet_depth(run_.arch);
    for (int stage = 1; stage <= last_stage(); ++stage) {
      const std::string output = "c" + std::to_string(stage + 1);
      const int blocks = depth.blocks[std::size_t(stage - 1)];
      for (int b = 0; b < blocks; ++b) {
        // In f32 the last block of a stage computes the output itself; in f16 the output is a cast of it.
        const bool named = b + 1 == blocks && wanted(output) && compute_ == OnnxType::f32;
        const std::string name = concat_text("layer", stage, ".", b);
        x = block(name, x, b == 0 && stage > 1 ? 2 : 1, depth.bottlenecks, named ? output : name + ".relu");
      }
      if (wanted(output)) {
        if (compute_ == OnnxType::f16) cast(output, x.name, OnnxType::f32);
        maps_.emplace(output, Maps{output, x.channels, x.side});
      }
    }
    if (wanted("gap")) {  // the mean in f32: a sum of many f16 values would lose digits
      const auto c5 = maps_.find("c5");
      const std::string from = compute_ == OnnxType::f32 ? x.name
                               : c5 != maps_.end()       ? c5->second.name
                                                         : cast("layer4.f32", x.name, OnnxType::f32);
      const std::string mean = graph_.node("GlobalAveragePool", "avgpool", {from});
      graph_.node("Flatten", "gap", {mean}, {{"axis", std::int64_t(1)}});
    }
    for (const std::string& output : outputs_) declare(output, x.channels);
    return std::move(graph_);
  }

 private:
  bool wanted(const std::string& output) const {
    return std::ranges::find(outputs_, output) != outputs_.end();
  }

  // Stages beyond the last output are left out.
  int last_stage() const {
    int last = 0;
    for (const std::string& output : outputs_) last = std::max(last, output == "gap" ? 4 : output[1] - '1');
    return last;
  }

  std::variant<std::int64_t, std::string> batch() const {
    if (o_.fixed_batch > 0) return std::int64_t(o_.fixed_batch);
    return std::string("N");
  }

  void declare(const std::string& output, std::int64_t features) {
    if (output == "gap") {
      graph_.output(output, OnnxType::f32, {batch(), features}, "the features of each image");
    } else {
      const Maps& m = maps_.at(output);
      graph_.output(output, OnnxType::f32, {batch(), m.channels, m.side, m.side},
                    "the maps at the end of layer" + std::to_string(output[1] - '1'));
    }
  }

  std::string cast(const std::string& name, const std::string& from, OnnxType to) {
    return graph_.node("Cast", name, {from}, {{"to", std::int64_t(to)}});
  }

  // The input, normalized, (N,3,S,S), in the type of the computation.
  Maps images() {
    const std::int64_t side = run_.size;
    const data::Normalization n = data::view_recipe(run_.recipe).normalization;
    const bool u8 = o_.input == "nhwc-u8", inside = o_.normalize == "inside";
    const double full = u8 ? 255 : 1;  // the value of white
    std::string x = kImages;
    if (u8) {
      graph_.input(kImages, OnnxType::u8, {batch(), side, side, std::int64_t(3)}, "RGB, values 0 to 255");
      x = cast("images.f32", x, OnnxType::f32);  // first: TensorRT takes no u8 but in a cast
      x = graph_.node("Transpose", "images.nchw", {x}, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}});
    } else {
      graph_.input(kImages, OnnxType::f32, {batch(), std::int64_t(3), side, side},
                   inside ? "RGB, values 0 to 1" : "RGB, (value - mean) / std of values 0 to 1");
    }
    if (inside) {  // (value / full - mean) / std
      std::vector<double> mean, scale;
      for (int c = 0; c < 3; ++c) {
        mean.push_back(full * n.mean[c]);
        scale.push_back(1 / (full * n.std[c]));
      }
      const engine::Shape channels{1, 3, 1, 1};
      const auto per_channel = [&](const std::string& name, const std::vector<double>& values) {
        return graph_.constant(name, engine::from_vector(channels, values, DType::f32), OnnxType::f32);
      };
      x = graph_.node("Sub", "images.centered", {x, per_channel("images.mean", mean)});
      x = graph_.node("Mul", "images.normalized", {x, per_channel("images.scale", scale)});
    }
    if (compute_ == OnnxType::f16) x = cast("images.f16", x, OnnxType::f16);
    return {x, 3, side};
  }

  Maps stem(const Maps& images) {
    const bool imagenet = run_.stem == "imagenet";
    Maps x = conv_norm("", "conv1", "bn1", images, imagenet ? 2 : 1);
    x.name = graph_.node("Relu", "relu", {x.name});
    if (!imagenet) return x;
    const std::int64_t kernel = 3, stride = 2, padding = 1;
    x.side = pooled(x.side, kernel, stride, padding);
    x.name = graph_.node("MaxPool", "maxpool", {x.name}, window(kernel, stride, padding));
    return x;
  }

  // models::BasicBlock and models::Bottleneck
  Maps block(const std::string& name, const Maps& in, int stride, bool bottleneck,
             const std::string& output) {
    const int convolutions = bottleneck ? 3 : 2, strided = bottleneck ? 2 : 1;
    Maps x = in;
    for (int i = 1; i <= convolutions; ++i) {
      x = conv_norm(name + ".", concat_text("conv", i), concat_text("bn", i), x, i == strided ? stride : 1);
      if (i < convolutions) x.name = graph_.node("Relu", concat_text(name, ".relu", i), {x.name});
    }
    const bool downsample = parameters_.contains(name + ".downsample.0.weight");
    const Maps shortcut = downsample ? conv_norm(name + ".", "downsample.0", "downsample.1", in, stride) : in;
    x.name = graph_.node("Add", name + ".add", {x.name, shortcut.name});
    x.name = graph_.node("Relu", output, {x.name});
    return x;
  }

  // A convolution without bias and the batch norm after it.
  Maps conv_norm(const std::string& prefix, const std::string& conv, const std::string& norm, const Maps& x,
                 int stride) {
    const std::string c = prefix + conv, n = prefix + norm;
    Tensor weight = in_file(c + ".weight");  // OIHW
    const std::int64_t kernel = weight.dim(2), padding = kernel / 2, channels = weight.dim(0);
    const Maps result{"", channels, pooled(x.side, kernel, stride, padding)};
    std::vector<std::string> inputs = {x.name};
    if (o_.fold_batch_norm) {
      const Tensor bias = fold(n, weight);
      inputs.push_back(graph_.constant(c + ".weight", weight, compute_));
      inputs.push_back(graph_.constant(c + ".bias", bias, compute_));
    } else {
      inputs.push_back(graph_.constant(c + ".weight", weight, compute_));
    }
    std::string y = graph_.node("Conv", c, inputs, window(kernel, stride, padding));
    if (!o_.fold_batch_norm) {
      inputs = {y};
      // f32 beside f16 maps too: a variance can be beyond f16
      for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
        inputs.push_back(graph_.constant(n + part, in_file(n + part), OnnxType::f32));
      y = graph_.node("BatchNormalization", n, inputs, {{"epsilon", float(engine::BatchNormState{}.eps)}});
    }
    return {y, result.channels, result.side};
  }

  // Multiplies the batch norm into the weight, which is replaced, and returns the bias, both f64:
  // gamma (w x - mean) / sqrt(var + eps) + beta = (w gamma / sqrt(var + eps)) x + (beta - mean gamma /
  // sqrt(...))
  Tensor fold(const std::string& norm, Tensor& weight) const {
    const auto values = [&](const char* part) { return in_file(norm + part).to_vector(); };
    const std::vector<double> gamma = values(".weight"), beta = values(".bias"),
                              mean = values(".running_mean"), var = values(".running_var");
    std::vector<double> w = weight.to_vector(), bias(gamma.size());
    const std::size_t each = w.size() / gamma.size();  // weights of an output channel
    for (std::size_t k = 0; k < gamma.size(); ++k) {
      const double factor = gamma[k] / std::sqrt(var[k] + engine::BatchNormState{}.eps);
      for (std::size_t i = k * each; i < (k + 1) * each; ++i) w[i] *= factor;
      bias[k] = beta[k] - mean[k] * factor;
    }
    weight = engine::from_vector(weight.shape(), w, DType::f64);
    return engine::from_vector({std::int64_t(bias.size())}, bias, DType::f64);
  }

  Tensor in_file(const std::string& name) const {
    const engine::Parameter& p = *parameters_.at(name);
    return to_file(p.value.detach(), p.filter);
  }

  static std::int64_t pooled(std::int64_t side, std::int64_t kernel, std::int64_t stride,
                             std::int64_t padding) {
    return (side + 2 * padding - kernel) / stride + 1;
  }

  static std::vector<OnnxAttribute> window(std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    using Ints = std::vector<std::int64_t>;
    return {{"kernel_shape", Ints{kernel, kernel}},
            {"pads", Ints{padding, padding, padding, padding}},
            {"strides", Ints{stride, stride}}};
  }

  const PretrainOptions& run_;
  const OnnxOptions& o_;
  OnnxType compute_;
  std::map<std::string, const engine::Parameter*> parameters_;  // by torchvision's names
  std::vector<std::string> outputs_;
  std::map<std::string, Maps> maps_;  // the outputs c2 to c5
  OnnxGraph graph_;
};

}  // namespace

void require_onnx_options(const ExportOptions& e) {
  const OnnxOptions& o = e.onnx;
  if (e.format == "onnx") {
    if (!e.data.empty())
      throw UsageError(
          "--data: --format onnx writes the encoder, expected --format safetensors or npy for features");
    if (o.normalize == "outside" && o.input != "nchw-f32")
      throw UsageError(
          "--normalize outside: normalized values don't fit in 8 bits, expected --input nchw-f32");
    return;
  }
  ExportOptions given = e, without;
  const Fields own = fields(given), defaults = fields(without);
  for (std::size_t i = 0; i < own.size(); ++i)
    if (own[i].group == "ONNX" && text_of(own[i]) != text_of(defaults[i]))
      throw UsageError(
          concat_text("--", own[i].name, ": only --format onnx has it, but --format is ", e.format));
}

OnnxGraph encoder_graph(const engine::Parameters& parameters, const PretrainOptions& run,
                        const OnnxOptions& o) {
  return EncoderGraph(parameters, run, o).make();
}

std::map<std::string, std::string> onnx_metadata(const PretrainOptions& run, const OnnxOptions& o) {
  const data::ViewRecipe recipe = data::view_recipe(run.recipe);
  return {{"input", o.input},
          {"normalize", o.normalize},
          {"dtype", o.dtype},
          {"crop", concat_text(recipe.center)},
          {"interpolation", recipe.bicubic ? "bicubic" : "bilinear"}};
}

}  // namespace apps
