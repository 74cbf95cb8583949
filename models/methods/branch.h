// An encoder and a projection head: the part that every method trains, evaluates and exports.
#pragma once

#include <vector>

#include "models/backbones/resnet.h"

namespace models {

// The batch norms of the projection head.
enum class HeadNorm {
  all,     // after each layer (SimCLR)
  plain,   // after each layer, after the last one without scale and shift (MoCo v3, SimSiam)
  hidden,  // after all layers but the last (BYOL)
  none     // none; the layers have biases (MoCo v2)
};

struct ProjectionConfig {
  int layers = 2;  // 1 (linear) to 4; SimCLR has 2, SimCLRv2 3
  int hidden = 0;  // 0: as many as the encoder's features
  int out = 128;
  HeadNorm norm = HeadNorm::all;
  int kept = -1;  // only this many of its first layers; -1: all
};

// Linear, batch norm, ReLU, ...; the last of all layers has no ReLU.
struct Projection {
  Projection(const Scope&, int in, const ProjectionConfig&);
  Tensor operator()(const Tensor& features, const Pass&) const;  // (N,features) -> (N,width())
  int width() const { return width_; }                           // of the last layer that is kept

 private:
  std::vector<Linear> linears_;
  std::vector<BatchNorm> norms_;
  int layers_;  // of the whole head
  int width_;
};

struct BranchConfig {
  ResNetConfig encoder;
  ProjectionConfig projection;
};

struct Branch {
  ResNet encoder;
  Projection projection;

  Branch(const Scope& s, const BranchConfig& c)
      : encoder(s / "encoder", c.encoder), projection(s / "projection", encoder.features, c.projection) {}

  // (N,S,S,3) -> (N,out), in the parameters' type.
  Tensor operator()(const Tensor& images, const Pass& p) const { return projection(encoder(images, p), p); }
};

}  // namespace models
