// An encoder and a linear classifier on its features: the network that fine-tuning trains.
#pragma once

#include "models/backbones/resnet.h"

namespace models {

struct ImageClassifier {
  ResNet encoder;
  Linear fc;

  ImageClassifier(const Scope& s, const ResNetConfig& c, int classes)
      : encoder(s / "encoder", c), fc(s / "fc", encoder.features, classes) {}
};

}  // namespace models
