// The classifiers that evaluate features.
#pragma once

#include "apps/evaluation/evaluation.h"
#include "apps/options/options.h"
#include "models/probes/linear_probe.h"

namespace apps {

// Weighted nearest neighbours (Wu et al. 2018).
Classifier knn_classifier(const std::string& name, int k, double temperature);

// What a linear classifier says of test features.
Verdict linear_verdict(const models::LinearProbe&, const engine::Tensor& test,
                       nlohmann::ordered_json details);

// Logistic regression to its optimum by L-BFGS; the penalty is chosen on held-out training images.
Classifier lbfgs_classifier(std::uint64_t seed);

// SimCLR's B.6 on cached features: Nesterov SGD, lr 0.1 batch / 256 along a cosine, no decay.
struct SgdProbe {
  int epochs = 90, batch = 256;
  double lr = -1, weight_decay = 0;
  std::uint64_t seed = 0;
};
Classifier sgd_classifier(const SgdProbe&);

// Fine-tuning with some of the labels (B.5), or training of the last layer alone with random crops (B.6).
// The list of the labelled images is NAME.txt.
Classifier finetune_classifier(const FinetuneOptions&);

}  // namespace apps
