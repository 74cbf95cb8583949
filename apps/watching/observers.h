// All that watches a training and does not change it: records of steps, progress, warnings, the search for
// the first tensor that is not finite, and what the run leaves for its reader.
#pragma once

#include <chrono>
#include <set>

#include "apps/watching/embedding_monitor.h"
#include "apps/watching/live_report.h"
#include "apps/watching/loss_monitor.h"
#include "apps/watching/non_finite_search.h"
#include "apps/watching/progress.h"
#include "apps/watching/skipped_images.h"
#include "apps/watching/step_log.h"
#include "data/loader.h"

namespace apps {

class Observers {
 public:
  // Opens the run's folder after `step` steps, says what will be done, and draws views.png.
  Observers(const PretrainOptions&, const Plan&, const data::Dataset&, TrainStep&, Ranks&, Phases&,
            LiveReport&, long step, RunLock = nullptr);

  void before_step(long step);  // `step` are done
  // step: done so far, with the one that was just queued; its loss may still be being computed.
  void after_step(long step, const engine::Tensor& loss, double lr, const data::Batch&);
  void before_checkpoint(long step);  // the records of all steps are on the disk when it returns
  void at_end();                      // all ranks call it

  void say(const std::string& line);  // on stderr and in train.log; nothing if the line is empty
  void skipped(const std::vector<std::string>& images);  // images that could not be decoded, with the reason
  nlohmann::ordered_json result() const;                 // of the training, for --json

 private:
  void recorded(const StepRecord&);  // the step's loss is known
  StepRecord record(long step, double lr) const;
  void tell_decoding();  // once, when there is something to tell

  const PretrainOptions& options_;
  const Plan& plan_;
  const data::Dataset& dataset_;
  TrainStep& train_step_;
  Ranks& ranks_;
  Phases& phases_;
  LiveReport& report_;
  RunDirectory run_;
  Progress progress_;
  LossMonitor loss_monitor_;
  EmbeddingMonitor embedding_monitor_;
  NonFiniteSearch non_finite_search_;
  StepLog step_log_;
  SkippedImages skipped_;
  std::set<std::string> told_decoding_;
  StepRecord last_;                              // with its loss
  std::chrono::steady_clock::time_point begun_;  // the step
};

}  // namespace apps
