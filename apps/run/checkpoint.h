// Checkpoints: the whole state of a training in one safetensors file, which any tool for this format can
// read. Names and layouts are torchvision's: convolution weights are OIHW in the file, KRSC in memory. The
// file does not depend on the time or place of writing, so two runs with the same seed write the same bytes.
// Its metadata hold a hash of the rest of the file, which is checked before the file is used.
#pragma once

#include <functional>
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
// deletes it meanwhile because of --keep. It is hashed when it is opened, and again when it is loaded: what
// is loaded is what was hashed, even if the file is overwritten in place between the two.
class Checkpoint {
 public:
  // DataError if it is damaged; UnusableFile if it can't be read, or is not of dyad
  explicit Checkpoint(const std::string& path);

  const std::string& path() const { return path_; }
  const engine::SafetensorsReader& file() const { return *file_; }
  const CheckpointInfo& info() const { return file_->metadata(); }
  long step() const { return step_; }

 private:
  std::string path_;
  std::unique_ptr<const engine::SafetensorsReader> file_;
  long step_ = 0;
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

// Gets a tensor of a file, and its bytes.
using TakeTensor = std::function<void(const engine::TensorEntry&, const std::vector<char>&)>;
// Reads the whole file once, and hands each tensor to `take`, by name in ascending order. DataError, at the
// end, if the hash in the metadata is not that of the very bytes that were handed out; UnusableFile if there
// is no hash.
void read_whole(const engine::SafetensorsReader&, const std::string& path, const TakeTensor& take = {});

std::string checkpoint_path(const std::string& run, long step);
std::vector<std::string> checkpoints(const std::string& run);  // newest first
// The newest undamaged one. Those that are proven to be damaged are skipped and named on stderr. UnusableFile
// if a newer one can't be read now: it may be whole.
std::optional<Checkpoint> newest_checkpoint(const std::string& run);
// The checkpoint `given`; if that is "", the newest. UsageError if there is none.
Checkpoint chosen_checkpoint(const std::string& run, const std::string& given);
// Of the checkpoints up to step `newest`, which has just been written, keeps the last `keep` and deletes the
// others. Those of later steps stay.
void keep_newest(const std::string& run, int keep, long newest);
// Renames the checkpoints of steps after `step`, so that they are none any more, and returns a line for each.
// A run that continues at `step` calls it before it writes: they are damaged, or of a continuation that
// --discard-newer abandons.
std::vector<std::string> set_aside_later(const std::string& run, long step);

// UsageError if --resume names a folder or what isn't there.
void require_checkpoint_name(const std::string& resume);
// The checkpoint that --resume names: none for "", the newest for "auto", else the file. UsageError if the
// run has later checkpoints than this file, without --discard-newer.
std::optional<Checkpoint> resume_from(const PretrainOptions&);

}  // namespace apps
