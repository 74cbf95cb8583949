// An encoder and a linear classifier on its features: the network that fine-tuning trains. The classifier may
// stand behind the first layers of the projection head instead (SimCLRv2, Chen et al. 2020, 3).
#pragma once

#include <optional>

#include "models/methods/branch.h"

namespace models {

struct ImageClassifier {
  ResNet encoder;
  std::optional<Projection> head;  // its first layers, if any are kept
  Linear fc;

  // kept: layers of the head that stay, fewer than it has; 0: none
  ImageClassifier(const Scope& s, const BranchConfig& c, int kept, int classes)
      : encoder(s / "encoder", c.encoder),
        head(first_layers(s, c.projection, encoder.features, kept)),
        fc(s / "fc", head ? head->width() : encoder.features, classes) {}

  // What the classifier gets: (N,S,S,3) -> (N,D), in the type of the parameters.
  Tensor features(const Tensor& images, const Pass& p) const {
    const Tensor h = encoder(images, p);
    return head ? (*head)(h, p) : engine::cast(h, engine::accumulator(h.dtype()));
  }

 private:
  static std::optional<Projection> first_layers(const Scope& s, ProjectionConfig c, int in, int kept) {
    c.kept = kept;
    return kept > 0 ? std::optional<Projection>(std::in_place, s / "projection", in, c) : std::nullopt;
  }
};

}  // namespace models
