// Training with some of the labels, starting at a pretrained encoder.
#pragma once

#include <functional>
#include <string>

#include "apps/options/options.h"
#include "data/dataset.h"
#include "engine/optim/parameters.h"
#include "models/probes/image_classifier.h"

namespace apps {

struct FineTuned {
  engine::Parameters parameters;
  models::ImageClassifier net;

  // Fresh weights: the initial weights of the pretraining. head_layers: of the projection head, that stay.
  FineTuned(const PretrainOptions& run, int head_layers, int classes, engine::Device);
};

// SimCLR, B.5: random crops and flips; SGD with Nesterov's momentum 0.9, the learning rate along a cosine to
// 0, no warm-up. Batch norm is in training mode. With `frozen` (B.6) only the last layer is trained, and the
// encoder is in evaluation mode. The test set is not used, and no best epoch is chosen.
struct FineTuning {
  int epochs, batch;
  double lr, weight_decay;
  bool frozen;
  std::uint64_t seed;
  int threads;
};
using EpochDone = std::function<void(int epoch, double mean_loss)>;
void fine_tune(const FineTuned&, const PretrainOptions& run, const data::Dataset& labelled, const FineTuning&,
               const EpochDone&);

}  // namespace apps
