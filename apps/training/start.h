// Where a training starts: at fresh weights, at those of another encoder, or at a checkpoint.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/ranks/ranks.h"
#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "apps/training/plan.h"
#include "apps/training/train_step.h"

namespace apps {

Setting setting_of(const data::Dataset&, const std::string& folder, int ranks);

class Start {
 public:
  // Locks the run, unless it is a dry run, and finds the checkpoint that --resume names. All ranks call it
  // and get the same position. UsageError if there is no such file, or if its model, precision or optimizer
  // is another one, or if another process has the lock.
  Start(const PretrainOptions&, const Setting&, const Ranks&);

  const Position& position() const { return position_; }
  // Whether the training has got as far as this plan: a checkpoint of its last step or a later one.
  bool finished(const Plan& plan) const { return position_.step > 0 && position_.step >= plan.steps; }
  const std::optional<Checkpoint>& checkpoint() const { return checkpoint_; }  // of the first rank
  // What the reader of a resumed run must know: what differs from the checkpoint, where it continues, and how
  // the learning rate does, or that nothing is left to do. Some may be "". On the first rank.
  std::vector<std::string> lines(const PretrainOptions&, const Setting&, const Plan&) const;
  RunLock take_lock() { return std::move(lock_); }  // may be none (lock_run)
  // Reads the weights and the state, on all ranks. Returns a line, or "".
  std::string load(const PretrainOptions&, const TrainStep&, const Ranks&);

 private:
  RunLock lock_;                          // of the first rank
  std::optional<Checkpoint> checkpoint_;  // of the first rank
  Position position_;
};

}  // namespace apps
