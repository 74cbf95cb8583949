// The predictor of BYOL, SimSiam and MoCo v3, and the network that is trained there: a branch and its
// predictor.
#pragma once

#include "models/methods/method.h"

namespace models {

// Linear, batch norm, ReLU, Linear: maps an embedding of one view to that of the other view.
struct Predictor {
  Linear linear1;
  BatchNorm bn1;
  Linear linear2;

  Predictor(const Scope& s, int width, int hidden, bool last_bias)
      : linear1(s / "linear1", width, hidden, false),  // the norm has the bias
        bn1(s / "bn1", hidden),
        linear2(s / "linear2", hidden, width, last_bias) {}
  Tensor operator()(const Tensor& z, const Pass& p) const { return linear2(bn1.relu(linear1(z), p)); }
};

struct PredictorConfig {
  int hidden = 0;  // 0: as many as the hidden layer of the projection has
  bool last_bias = false;
};

struct Predicting {
  Branch branch;
  Predictor predictor;

  Predicting(const Scope& s, const BranchConfig& c, const PredictorConfig& p)
      : branch(s, c), predictor(s / "predictor", c.projection.out, width(p, c), p.last_bias) {}
  // (N,S,S,3) -> (N,out)
  Tensor operator()(const Tensor& images, const Pass& p) const { return predictor(branch(images, p), p); }

 private:
  int width(const PredictorConfig& p, const BranchConfig& c) const {
    if (p.hidden > 0) return p.hidden;
    return c.projection.hidden > 0 ? c.projection.hidden : branch.encoder.features;
  }
};

}  // namespace models
