// Residual networks (He et al. 2016) as torchvision builds them: v1.5 (a bottleneck has its stride in the 3x3
// convolution), with torchvision's names ("conv1", "layer1.0.conv1", "layer2.0.downsample.0") and without fc.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "models/backbones/resnet_depths.h"
#include "models/layers.h"

namespace models {

enum class Stem {
  imagenet,  // 7x7 convolution of stride 2, then a 3x3 max pool of stride 2
  cifar      // 3x3 convolution of stride 1, no pool: for images of at most 64 pixels (SimCLR, B.9)
};

struct ResNetConfig {
  std::string name = "resnet18";  // one of resnet_names()
  Stem stem = Stem::cifar;
  double width = 1;  // multiplies every channel count; rounded to a multiple of 8
};

// Two 3x3 convolutions.
struct BasicBlock {
  Conv2d conv1;
  BatchNorm bn1;
  Conv2d conv2;
  BatchNorm bn2;
  std::optional<Conv2d> downsample_conv;
  std::optional<BatchNorm> downsample_bn;
  BasicBlock(const Scope&, int in, int width, int stride);
  Tensor operator()(const Tensor& x, const Pass&) const;
  static constexpr int expansion = 1;
};

// 1x1, 3x3, 1x1; the output has four times the width.
struct Bottleneck {
  Conv2d conv1;
  BatchNorm bn1;
  Conv2d conv2;
  BatchNorm bn2;
  Conv2d conv3;
  BatchNorm bn3;
  std::optional<Conv2d> downsample_conv;
  std::optional<BatchNorm> downsample_bn;
  Bottleneck(const Scope&, int in, int width, int stride);
  Tensor operator()(const Tensor& x, const Pass&) const;
  static constexpr int expansion = 4;
};

struct ResNet {
  ResNet(const Scope&, const ResNetConfig&);
  Tensor operator()(const Tensor& images, const Pass&) const;  // (N,H,W,3) -> (N,features)
  // The map behind a stage from 1 to 4, torchvision's layer1 to layer4: (N,H,W,3) -> (N,h,w,C).
  Tensor map(const Tensor& images, const Pass&, int stage) const;
  int features = 0;

 private:
  template <class Block>
  void make_layers(const Scope&, const std::array<int, 4>& blocks, std::vector<Block>& into);
  Tensor block(int b, const Tensor& x, const Pass&) const;

  Stem stem_;
  int width_;
  std::array<int, 4> blocks_;  // of each stage
  Conv2d conv1_;
  BatchNorm bn1_;
  std::vector<BasicBlock> basic_;  // the blocks of all stages in order; one of the two vectors is empty
  std::vector<Bottleneck> bottleneck_;
};

}  // namespace models
