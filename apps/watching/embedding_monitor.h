// What the embeddings are like while the encoder is trained: measured after each epoch on images of the
// training set and written to RUN/monitor.jsonl. The encoder runs in evaluation mode and does not change; the
// test set is not opened.
#pragma once

#include <vector>

#include "apps/run/run_directory.h"
#include "apps/training/plan.h"

namespace apps {

class EmbeddingMonitor {
 public:
  // active: false on all ranks but the first, which then measure nothing.
  EmbeddingMonitor(const PretrainOptions&, const Plan&, const data::Dataset&, const models::Method&,
                   RunDirectory&, bool active);

  // Why there are no probes although --probe-every asks for them; "" if there are some.
  std::string no_probes() const;
  bool due(long step) const;  // whether there is a measurement after this step: the same on all ranks
  // Called after each step. Returns a warning, once, if the embeddings have collapsed, else "".
  // std::runtime_error if an embedding is not finite.
  std::string operator()(long step);

 private:
  void measure_embeddings(nlohmann::ordered_json& line) const;
  void probe(nlohmann::ordered_json& line) const;

  const PretrainOptions& options_;
  const Plan& plan_;
  const data::Dataset& dataset_;
  const models::Method& method_;
  RunDirectory& run_;
  const bool active_;
  bool warned_ = false;
  std::vector<std::size_t> watched_;           // images whose embeddings are measured, drawn by the seed
  std::vector<std::size_t> held_out_, known_;  // images that the probe classifies, and learns from
};

}  // namespace apps
