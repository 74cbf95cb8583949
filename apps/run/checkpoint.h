// Checkpoints: the whole state of a training in one safetensors file, which any tool for this format can
// read. Names and layouts are torchvision's: convolution weights are OIHW in the file, KRSC in memory. The
// file does not depend on the time or place of writing, so two runs with the same seed write the same bytes.
// Its metadata hold a hash of the rest of the file, which is checked before the file is used.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/run/checkpoint_info.h"
#include "engine/files/safetensors.h"
#include "engine/optim/parameters.h"

namespace apps {

// Tensors that are saved beside the parameters, by name: the optimizer's state ("optimizer.momentum").
// load_checkpoint writes into them.
using StateTensors = std::vector<std::pair<std::string, engine::Tensor>>;

void save_checkpoint(const std::string& path, const PretrainOptions&, const engine::Parameters&,
                     const StateTensors&, const Position&, const Setting& = {});

// An undamaged checkpoint whose file stays open: all reads see the same file, even if a running training
// deletes it meanwhile because of --keep.
class Checkpoint {
 public:
  explicit Checkpoint(const std::string& path);  // DataError if it is damaged or not written by dyad

  const std::string& path() const { return path_; }
  const engine::SafetensorsReader& file() const { return *file_; }
  const CheckpointInfo& info() const { return file_->metadata(); }
  long step() const { return step_; }

 private:
  std::string path_;
  std::unique_ptr<const engine::SafetensorsReader> file_;
  long step_;
};

// Fills the parameters and the state, and returns the step. DataError if a tensor is missing or its shape
// differs. UsageError if the model, its precision or the optimizer differs; it names the differences.
long load_checkpoint(const Checkpoint&, const PretrainOptions&, const engine::Parameters&,
                     const StateTensors&);
// For evaluation. With branch "target" the encoder and the projection are those of the method's target
// network (require_branch(), apps/run/model.h).
void load_parameters(const Checkpoint&, const engine::Parameters&, const std::string& branch = "online");
// The same from a file without a hash that another program wrote: PyTorch's initial weights for a comparison.
void load_foreign_parameters(const std::string& path, const engine::Parameters&);

// Reads the whole file. DataError if the hash in its metadata is not that of its contents.
void require_whole(const engine::SafetensorsReader&, const std::string& path);

std::string checkpoint_path(const std::string& run, long step);
std::vector<std::string> checkpoints(const std::string& run);  // newest first
// The newest undamaged one. Damaged ones are skipped and named on stderr.
std::optional<Checkpoint> newest_checkpoint(const std::string& run);
// The checkpoint `given`; if that is "", the newest. UsageError if there is none.
Checkpoint chosen_checkpoint(const std::string& run, const std::string& given);
// Keeps the last `keep` checkpoints up to step `newest`, which has just been written, and deletes the others.
// Checkpoints of later steps are damaged, or belong to a continuation that was abandoned by resuming earlier.
void keep_newest(const std::string& run, int keep, long newest);

// The checkpoint that --resume names: none for "", the newest for "auto", else the file.
std::optional<Checkpoint> resume_from(const PretrainOptions&);

}  // namespace apps
