// The linear probe: a linear classifier on frozen features, the usual measure of an encoder.
//
// Features are neither normalized nor scaled, as in the published evaluations. There are two solvers:
//   fit_linear_probe      multinomial logistic regression with an L2 penalty, solved to its optimum by
//   L-BFGS; the
//                         penalty is chosen on a held-out part of the training set (Kornblith et al. 2019;
//                         SimCLR, B.8). Deterministic; takes seconds for a few thousand images.
//   train_linear_probe    SGD with momentum over epochs (SimCLR, B.6)
// Neither uses the test set.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tensor.h"

namespace models {

struct LinearProbe {
  engine::Tensor weight, bias;  // (classes,D), (classes)
};

// The most likely class of each row.
std::vector<std::int32_t> predict(const LinearProbe&, const engine::Tensor& features);
// The kBest most likely classes of each row (accuracy.h), most likely first; -1 if there are fewer classes.
std::vector<std::int32_t> predict_best(const LinearProbe&, const engine::Tensor& features);

// One penalty that was tried. The objective is mean cross-entropy + l2 / 2 |weight|^2; the bias has no
// penalty.
struct PenaltyTrial {
  double l2;
  double accuracy;  // on the held-out part of the training set
};

struct FittedProbe {
  LinearProbe probe;
  double l2 = 0;                     // the chosen penalty
  std::vector<PenaltyTrial> trials;  // strongest penalty first
  int iterations = 0;                // of the final fit
  bool converged = false;
};

struct FitOptions {
  double held_out = 0.2;  // part of each class that is held out to choose the penalty
  // Tried in this order, each from the optimum of the one before, until `patience` in a row were not better
  // than the best. In units of the features' mean variance, so that the scale of the features does not
  // matter.
  std::vector<double> penalties = {10,     3.2,  1,      0.32, 0.1,  0.032, 0.01,
                                   3.2e-3, 1e-3, 3.2e-4, 1e-4, 1e-5, 1e-6};
  int patience = 2;
  int iterations = 200;
  std::uint64_t seed = 0;  // draws the held-out images
};

// features: (N,D), f32 or f64; labels: (N), from 0 to classes-1.
FittedProbe fit_linear_probe(const engine::Tensor& features, const std::vector<std::int32_t>& labels,
                             int classes, const FitOptions& = {});

struct TrainOptions {
  int epochs = 90, batch = 256;
  double learning_rate = -1;                // negative: 0.1 batch / 256; falls to 0 along a cosine
  double momentum = 0.9, weight_decay = 0;  // Nesterov's momentum
  std::uint64_t seed = 0;
};

// The options with the automatic learning rate, and with a batch that is not larger than the number of
// images.
TrainOptions resolved(TrainOptions, std::size_t images);

LinearProbe train_linear_probe(const engine::Tensor& features, const std::vector<std::int32_t>& labels,
                               int classes, const TrainOptions& = {});

}  // namespace models
