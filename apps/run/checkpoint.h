// Checkpoints: the whole state of a training in one safetensors file, which any tool that knows the format
// can read. Names and layouts are torchvision's: convolution weights are OIHW in the file, KRSC in memory.
// Nothing in it depends on when or where it was written, so two runs of one seed leave the same bytes. Its
// metadata hold a hash of all else in it, which is checked before anything of it is used.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/options/options.h"
#include "engine/files/safetensors.h"
#include "engine/optim/parameters.h"

namespace apps {

// What is saved beside the parameters, by name: the optimizer's state ("optimizer.momentum"), each a tensor
// that load_checkpoint writes into.
using StateTensors = std::vector<std::pair<std::string, engine::Tensor>>;

// `step`: done so far. The sampler's place follows from it and the seed.
void save_checkpoint(const std::string& path, const PretrainOptions&, const engine::Parameters&,
                     const StateTensors&, long step);

// What a checkpoint says of itself: "arch", "step", "seed" ...
using CheckpointInfo = std::map<std::string, std::string>;

// A whole checkpoint, held open: what is read of it is of one file, even where the --keep of a training that
// goes on has taken its name away.
class Checkpoint {
 public:
  explicit Checkpoint(const std::string& path);  // DataError if it is damaged, or not one of dyad's

  const std::string& path() const { return path_; }
  const engine::SafetensorsReader& file() const { return *file_; }
  const CheckpointInfo& info() const { return file_->metadata(); }
  long step() const { return step_; }

 private:
  std::string path_;
  std::unique_ptr<const engine::SafetensorsReader> file_;
  long step_;
};

// Fills the parameters and the state, and returns the step. DataError if a tensor is missing or has another
// shape; UsageError if the model, its precision or the optimizer is another, with what differs in one line.
long load_checkpoint(const Checkpoint&, const PretrainOptions&, const engine::Parameters&,
                     const StateTensors&);
void load_parameters(const Checkpoint&, const engine::Parameters&);  // for evaluation
// The same from another program's file, which has no hash: PyTorch's initial weights for a comparison.
void load_foreign_parameters(const std::string& path, const engine::Parameters&);

// Reads all of it. DataError unless it has the hash of what it holds.
void require_whole(const engine::SafetensorsReader&, const std::string& path);

// Options that may differ on resuming but change what comes of it: "lr 0.3 -> 0.5, batch 64 -> 128", or "".
std::string resume_differences(const CheckpointInfo&, const PretrainOptions&);

std::string checkpoint_path(const std::string& run, long step);
std::vector<std::string> checkpoints(const std::string& run);  // newest first
// The newest that is whole; a damaged one is told on stderr and passed over.
std::optional<Checkpoint> newest_checkpoint(const std::string& run);
// `given`, or if that is "" the newest; UsageError where there is none.
Checkpoint chosen_checkpoint(const std::string& run, const std::string& given);
// Of those up to `newest`, which has just been written, the last `keep` stay. Later ones are damaged, or of a
// branch that was left by resuming before them.
void keep_newest(const std::string& run, int keep, long newest);

// The checkpoint that --resume asks for, if any: "" none, "auto" the newest, else the file.
std::optional<Checkpoint> resume_from(const PretrainOptions&);

}  // namespace apps
