// Layers: parameters, and the op that uses them. Parameters have the names that torch.nn gives them.
#pragma once

#include "engine/ops.h"
#include "engine/optim/parameters.h"
#include "engine/trace/phases.h"

namespace models {

using engine::Communicator;
using engine::Mode;
using engine::Scope;
using engine::Tensor;

// What the encoder computes again during backward instead of keeping it; each saves more memory and takes
// more time than the one before it.
enum class Recompute {
  none,
  norm,   // the results of batch norm, ReLU and residual addition, from the convolutions' outputs
  block,  // the inside of residual blocks, from their inputs
  stage   // the blocks inside the four stages, from the stages' inputs, and then as `block`
};

// How a forward pass is done.
struct Pass {
  Mode mode = Mode::train;
  Communicator& communicator = engine::single();
  engine::Phases* phases = nullptr;  // where phase() measures times; null: nowhere
  engine::NormGroups groups = {};    // that batch norm normalizes apart
  Recompute recompute = Recompute::none;

  template <class F>
  auto phase(const char* name, F f) const {
    return phases == nullptr ? f() : (*phases)(name, f);
  }
};

struct Linear {
  Tensor weight, bias;  // (O,I); (O) or undefined
  Linear(const Scope&, int in, int out, bool with_bias = true);
  Tensor operator()(const Tensor& x) const;  // (N,I) -> (N,O)
};

struct Conv2d {
  Tensor weight;  // (K,R,S,C); no bias
  int stride, padding;
  Conv2d(const Scope&, int in, int out, int kernel, int stride);  // padding kernel / 2
  Tensor operator()(const Tensor& x) const;                       // (N,H,W,C) -> (N,P,Q,K)
};

struct BatchNorm {
  Tensor weight, bias;
  engine::BatchNormState state;
  BatchNorm(const Scope&, int channels, bool affine = true);  // affine: with a trained scale and shift
  Tensor operator()(const Tensor& x, const Pass&) const;
  Tensor relu(const Tensor& x, const Pass&) const;                              // relu(norm(x))
  Tensor add_relu(const Tensor& x, const Tensor& residual, const Pass&) const;  // relu(norm(x) + residual)
};

}  // namespace models
