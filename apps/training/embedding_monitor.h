// What the encoder is like while it is trained, measured after each epoch on images of the training set and
// written to RUN/monitor.jsonl. The encoder runs in evaluation mode and is not changed; the test set is not
// opened.
#pragma once

#include <vector>

#include "apps/training/plan.h"

namespace apps {

class Monitor {
 public:
  // active: false measures nothing (of ranks only the first does).
  Monitor(const PretrainOptions&, const Plan&, const data::Dataset&, const Model&, RunDirectory&,
          bool active);

  // To be called after each step. Returns a warning, or "".
  std::string operator()(long step);

 private:
  void measure_embeddings(nlohmann::ordered_json& line) const;
  void probe(nlohmann::ordered_json& line) const;

  const PretrainOptions& options_;
  const Plan& plan_;
  const data::Dataset& dataset_;
  const Model& model_;
  RunDirectory& run_;
  const bool active_;
  bool warned_ = false;
  // Drawn by the seed: for the embeddings; and, to be classified and to classify them by, for the probe.
  std::vector<std::size_t> watched_, held_out_, known_;
};

}  // namespace apps
