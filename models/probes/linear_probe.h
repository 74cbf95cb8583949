// The linear probe: a linear classifier on frozen features, the usual measure of an encoder.
//
// Features are taken as they are, neither normalized nor scaled, as the published evaluations do. Two ways to
// the classifier:
//   fit_linear_probe      multinomial logistic regression with an L2 penalty to its optimum, by L-BFGS; the
//                         penalty is chosen on a part of the training set (Kornblith et al. 2019; SimCLR,
//                         B.8). Deterministic; seconds for a few thousand images.
//   train_linear_probe    SGD with momentum over epochs (SimCLR, B.6)
// Neither sees anything of the test set.
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

// Of a fit's objective: mean cross-entropy + l2 / 2 |weight|^2, the bias is free.
struct PenaltyTrial {
  double l2;
  double accuracy;  // on the part of the training set that was held out
};

struct FittedProbe {
  LinearProbe probe;
  double l2 = 0;                     // that was chosen
  std::vector<PenaltyTrial> trials;  // strongest first
  int iterations = 0;                // of the final fit
  bool converged = false;
};

struct FitOptions {
  double held_out = 0.2;  // of each class, for the choice of the penalty
  // Tried from the strongest on, each from the last one's optimum, until `patience` in a row have not been
  // better than the best; in units of the features' mean variance, so that their scale does not matter.
  std::vector<double> penalties = {10,     3.2,  1,      0.32, 0.1,  0.032, 0.01,
                                   3.2e-3, 1e-3, 3.2e-4, 1e-4, 1e-5, 1e-6};
  int patience = 2;
  int iterations = 200;
  std::uint64_t seed = 0;  // of the division
};

// features: (N,D), f32 or f64; labels: (N), in 0 .. classes-1.
FittedProbe fit_linear_probe(const engine::Tensor& features, const std::vector<std::int32_t>& labels,
                             int classes, const FitOptions& = {});

struct TrainOptions {
  int epochs = 90, batch = 256;
  double learning_rate = -1;                // by default 0.1 batch / 256; falls to 0 along a cosine
  double momentum = 0.9, weight_decay = 0;  // Nesterov's momentum
  std::uint64_t seed = 0;
};

// With what the number of images and the defaults decide: no batch is larger than the set.
TrainOptions resolved(TrainOptions, std::size_t images);

LinearProbe train_linear_probe(const engine::Tensor& features, const std::vector<std::int32_t>& labels,
                               int classes, const TrainOptions& = {});

}  // namespace models
