// An encoder and a projection head: the part that every method trains, evaluates and exports.
#pragma once

#include <vector>

#include "models/backbones/resnet.h"

namespace models {

struct ProjectionConfig {
  int layers = 2;  // 2 (SimCLR) or 3 (SimCLRv2)
  int hidden = 0;  // 0: as many as the encoder's features
  int out = 128;
};

// Linear, batch norm, ReLU, ...; the last layer has a batch norm and no ReLU, as the SimCLR authors' code.
struct Projection {
  Projection(const Scope&, int in, const ProjectionConfig&);
  Tensor operator()(const Tensor& features, const Pass&) const;  // (N,features) -> (N,out)

 private:
  std::vector<Linear> linears_;
  std::vector<BatchNorm> norms_;
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
