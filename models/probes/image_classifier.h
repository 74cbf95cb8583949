// An encoder and a linear layer that names the class: what fine-tuning trains.
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
