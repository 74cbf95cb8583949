#include "apps/bench/convolutions.h"

#include "apps/run/model.h"
#include "engine/device.h"
#include "kernels/convolution/convolution.h"

namespace apps {
namespace {

template <class T>
std::vector<std::string> algorithms_of(const kernels::ConvolutionShape& shape) {
  std::vector<std::string> names;
  engine::on_stream(engine::cpu, [&](auto stream) {
    for (const auto pass :
         {kernels::Pass::forward, kernels::Pass::backward_data, kernels::Pass::backward_weights})
      names.push_back(kernels::convolution_algorithm<decltype(stream), T>(shape, pass));
  });
  return names;
}

}  // namespace

// Shapes of filters come from the model. Strides and image sizes follow from torchvision's names of the
// layers.
std::vector<EncoderConvolution> encoder_convolutions(const InfoOptions& o) {
  ModelOptions wanted;
  wanted.arch = o.arch;
  wanted.stem = o.stem;
  wanted.width = o.width;
  engine::Parameters parameters(engine::cpu, engine::DType::f32, 0);
  const std::string strided =
      models::resnet_depth(o.arch).bottlenecks ? "conv2" : "conv1";  // of a stage's first block

  std::vector<EncoderConvolution> result;
  std::int64_t block_size = o.size, size = o.size;  // of the block's input, of the next convolution's
  for (const auto& parameter : parameters.outline<models::ResNet>(encoder_config(wanted))) {
    if (!parameter.filter) continue;
    const std::string name = parameter.name.substr(0, parameter.name.rfind(".weight"));
    const bool stem = name == "conv1", shortcut = name.find("downsample") != std::string::npos;
    const std::string last = name.substr(name.rfind('.') + 1);
    const bool first_block = !stem && name[5] != '1' && name.find(".0.") == 6;  // layer2.0. and later
    const bool halves = stem ? o.stem == "imagenet" : first_block && (shortcut || last == strided);
    if (!stem && last == "conv1") block_size = size;

    const engine::Shape& w = parameter.value.shape();
    const std::int64_t in = shortcut ? block_size : size;
    const kernels::ConvolutionShape shape{o.batch, in, in, w[3], w[0], w[1], w[2], halves ? 2 : 1, w[1] / 2};
    if (!shortcut) size = shape.p();
    if (stem && o.stem == "imagenet") size = (size + 2 - 3) / 2 + 1;  // the pool, 3x3 stride 2

    bool known = false;
    for (auto& c : result)
      if (c.shape == shape) ++c.count, known = true;
    if (!known) result.push_back({name, 1, shape});
  }
  return result;
}

std::vector<std::string> algorithms(const kernels::ConvolutionShape& shape, const std::string& dtype) {
  return dtype == "f64"    ? algorithms_of<double>(shape)
         : dtype == "bf16" ? algorithms_of<kernels::bf16>(shape)
                           : algorithms_of<float>(shape);
}

}  // namespace apps
