// SimCLR (Chen et al. 2020): an encoder and a projection head; the loss (engine::nt_xent) is taken of its
// output.
#pragma once

#include "models/backbones/resnet.h"

namespace models {

struct ProjectionConfig {
  int layers = 2;  // 2 (SimCLR) or 3 (SimCLRv2)
  int hidden = 0;  // 0: as many as the encoder's features
  int out = 128;
};

// Linear, batch norm, ReLU, ...; the last layer has a batch norm and no ReLU, as the authors' code does.
struct Projection {
  Projection(const Scope&, int in, const ProjectionConfig&);
  Tensor operator()(const Tensor& features, const Pass&) const;  // (N,features) -> (N,out)

 private:
  std::vector<Linear> linears_;
  std::vector<BatchNorm> norms_;
};

struct SimClrConfig {
  ResNetConfig encoder;
  ProjectionConfig projection;
};

struct SimClr {
  ResNet encoder;
  Projection projection;

  SimClr(const Scope& s, const SimClrConfig& c)
      : encoder(s / "encoder", c.encoder), projection(s / "projection", encoder.features, c.projection) {}

  // images: (2N,S,S,3), rows i and i + N two views of one image -> (2N,out) in the parameters' type, for the
  // loss.
  Tensor operator()(const Tensor& images, const Pass& p) const { return projection(encoder(images, p), p); }
};

}  // namespace models
