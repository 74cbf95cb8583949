// The ranks of one run: how they are started, found, made to agree, and ended.
//   CPU    mpirun or srun start them; collectives are MPI's
//   CUDA   torchrun, srun or mpirun start them, one a GPU; collectives are NCCL's
// `--ranks N` starts N on this machine.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/ranks/facts.h"
#include "engine/memory/transfer.h"
#include "engine/optim/optimizer.h"
#include "engine/ranks/rank_watch.h"

namespace apps {

// What a launcher's variables say of this process.
struct Launched {
  std::string by = "";  // "torchrun", "Open MPI", "PMI", "Slurm"; "": nobody
  int rank = 0, size = 1, local_rank = 0;
};
Launched launched(const std::function<const char*(const char*)>& variable);

// --ranks: becomes mpirun (CPU), or starts the processes (CUDA) and returns the exit code of the first that
// failed. Returns nothing in a process that is a rank already, or where one rank is wanted.
std::optional<int> start_ranks(const RankOptions&);

class Ranks {
 public:
  // Joins the other ranks, which must have been started alike.
  Ranks(const RankOptions&, const std::string& command);

  // Calls f. If it throws, the other ranks are told why, and end.
  int guarded(const std::function<int()>& f);

  engine::Communicator& communicator() const { return *communicator_; }
  int rank() const { return communicator_->rank(); }
  int size() const { return communicator_->size(); }

  bool first() const { return rank() == 0; }

  // UsageError that names rank, host and key where a rank has another value than rank 0.
  void agree(const Facts&);

  // Parameters, state and step of the first rank for all, proved by hash. Returns the step.
  long share(const engine::Parameters&, const engine::NamedTensors&, long step) const;
  // RankError that names the rank whose parameters are not those of the first.
  void verify(const engine::Parameters&, long step) const;

  // What ran when on every rank (engine/trace/trace.h), into one file that the first rank writes.
  void write_trace(const std::string& path) const;

  // Whether any rank wants something, known to all: what was asked for in the call before, so that nobody
  // waits for the device.
  bool any_late(bool here);

 private:
  std::unique_ptr<engine::Communicator> owned_;
  engine::Communicator* communicator_;
  std::unique_ptr<engine::RankWatch> watch_;
  std::unique_ptr<engine::LateScalar> vote_;
};

// The device of this rank: the local rank's GPU where --device is cuda.
engine::Device device_of_rank(const RankOptions&);

}  // namespace apps
