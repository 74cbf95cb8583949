#include "models/backbones/resnet.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/recompute.h"

namespace models {
namespace {

int scaled(int channels, double width) { return std::max(8, int(std::lround(channels * width / 8)) * 8); }

// The shortcut of a block: a strided 1x1 convolution where shapes differ.
template <class Block>
void make_downsample(Block& block, const Scope& s, int in, int width, int stride) {
  const int out = width * Block::expansion;
  if (stride == 1 && in == out) return;
  block.downsample_conv.emplace(s / "downsample" / "0", in, out, 1, stride);
  block.downsample_bn.emplace(s / "downsample" / "1", out);
}

template <class Block>
Tensor shortcut(const Block& block, const Tensor& x, const Pass& p) {
  return block.downsample_conv ? (*block.downsample_bn)((*block.downsample_conv)(x), p) : x;
}

}  // namespace

BasicBlock::BasicBlock(const Scope& s, int in, int width, int stride)
    : conv1(s / "conv1", in, width, 3, stride),
      bn1(s / "bn1", width),
      conv2(s / "conv2", width, width, 3, 1),
      bn2(s / "bn2", width) {
  make_downsample(*this, s, in, width, stride);
}

Tensor BasicBlock::operator()(const Tensor& x, const Pass& p) const {
  Tensor y =
      bn1.relu(conv1(x), p);  // a statement for each convolution, so that its input's memory is free after it
  y = conv2(y);
  return bn2.add_relu(y, shortcut(*this, x, p), p);
}

Bottleneck::Bottleneck(const Scope& s, int in, int width, int stride)
    : conv1(s / "conv1", in, width, 1, 1),
      bn1(s / "bn1", width),
      conv2(s / "conv2", width, width, 3, stride),
      bn2(s / "bn2", width),
      conv3(s / "conv3", width, width * expansion, 1, 1),
      bn3(s / "bn3", width * expansion) {
  make_downsample(*this, s, in, width, stride);
}

Tensor Bottleneck::operator()(const Tensor& x, const Pass& p) const {
  Tensor y = bn1.relu(conv1(x), p);
  y = bn2.relu(conv2(y), p);
  y = conv3(y);
  return bn3.add_relu(y, shortcut(*this, x, p), p);
}

template <class Block>
void ResNet::make_layers(const Scope& s, const std::array<int, 4>& blocks, std::vector<Block>& into) {
  int in = width_;
  for (int stage = 0; stage < 4; ++stage) {
    const Scope layer = s / ("layer" + std::to_string(stage + 1));
    const int width = width_ << stage;
    for (int b = 0; b < blocks[std::size_t(stage)]; ++b) {
      into.emplace_back(layer / std::to_string(b), in, width, b == 0 && stage > 0 ? 2 : 1);
      in = width * Block::expansion;
    }
  }
  features = in;
}

ResNet::ResNet(const Scope& s, const ResNetConfig& c)
    : stem_(c.stem),
      width_(scaled(64, c.width)),
      blocks_(resnet_depth(c.name).blocks),
      conv1_(s / "conv1", 3, width_, c.stem == Stem::cifar ? 3 : 7, c.stem == Stem::cifar ? 1 : 2),
      bn1_(s / "bn1", width_) {
  const ResNetDepth& depth = resnet_depth(c.name);
  if (depth.bottlenecks)
    make_layers(s, depth.blocks, bottleneck_);
  else
    make_layers(s, depth.blocks, basic_);
}

namespace {

template <class F>
Tensor run(bool again, const Tensor& x, F f) {
  return again ? engine::recomputed(x, f) : f(x);
}

}  // namespace

// Block b of all stages, counted from 0.
Tensor ResNet::block(int b, const Tensor& x, const Pass& p) const {
  return basic_.empty() ? bottleneck_[std::size_t(b)](x, p) : basic_[std::size_t(b)](x, p);
}

Tensor ResNet::map(const Tensor& images, const Pass& p, int stage) const {
  engine::require(1 <= stage && stage <= 4, "ResNet: stage ", stage, ", expected 1 to 4");
  const bool blocks_again = p.recompute >= Recompute::block, stages_again = p.recompute == Recompute::stage;
  // The last block, and the last stage, are not run again: their backward pass is the first.
  const int count = std::accumulate(blocks_.begin(), blocks_.begin() + stage, 0);
  Tensor x = run(blocks_again, images, [this, p](const Tensor& images) {
    const Tensor x = bn1_.relu(conv1_(images), p);
    return stem_ == Stem::imagenet ? engine::max_pool2d(x, 3, 2, 1) : x;
  });
  for (int s = 0, first = 0; s < stage; first += blocks_[std::size_t(s++)])
    x = run(stages_again && s + 1 < stage, x, [=, this](Tensor x) {
      for (int b = first; b < first + blocks_[std::size_t(s)]; ++b)
        x = run(blocks_again && b + 1 < count, x, [=, this](const Tensor& x) { return block(b, x, p); });
      return x;
    });
  return x;
}

Tensor ResNet::operator()(const Tensor& images, const Pass& p) const {
  return engine::global_avg_pool(map(images, p, 4));
}

}  // namespace models
