// The ranks of one run: starting them, connecting them, checking that they agree, ending them.
//   CPU    mpirun or srun start them; collectives are MPI's
//   CUDA   torchrun, srun or mpirun start them, one per GPU; collectives are NCCL's
// `--ranks N` starts N on this machine.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/ranks/facts.h"
#include "engine/optim/optimizer.h"
#include "engine/ranks/rank_watch.h"

namespace apps {

// What a launcher's environment variables say about this process.
struct Launched {
  std::string by = "";  // "torchrun", "Open MPI", "PMI", "Slurm"; "": no launcher
  int rank = 0, size = 1, local_rank = 0;
};
Launched launched(const std::function<const char*(const char*)>& variable);

// The number of ranks, launched or asked for with --ranks.
int number_of_ranks(const RankOptions&);
// Whether this process is the first of those that a launcher has started, or the only one.
bool is_first_launched();
// UsageError if a launcher has started several processes of a command that is one process.
void require_one_process(const std::string& command);
// What starts these ranks, as a command begins: "mpirun -n 2 "; "" for one process.
std::string launch_text();
// Before the error of a rank that isn't connected to the others: "rank 1 on HOST: ", or "" if it is the first
// or the only one. An error of the first rank is most likely that of all ranks, so the others wait here for
// it to be said, and for their end.
std::string name_in_error();
// UsageError if there are more ranks, launched or asked for with --ranks, than images in a batch.
void require_image_for_each_rank(const RankOptions&, int batch);

// --ranks: starts the processes, with mpirun on the CPU device, waits for them, and returns the exit code of
// the run: 75 if a rank was lost. Returns nothing if this process is a rank already, or if one rank is asked
// for. check: called before the ranks are started; what it throws is printed once, and not by each rank.
std::optional<int> start_ranks(
    const RankOptions&, const std::function<void()>& check = [] {});

class Ranks {
 public:
  // Connects to the other ranks, which run the same command. connect: false for a command that needs none of
  // them; it then is the only rank.
  Ranks(const RankOptions&, const std::string& command, bool connect = true);

  // Calls f. If f throws, all ranks end with the exit code of its error.
  int guarded(const std::function<int()>& f);

  engine::Communicator& communicator() const { return *communicator_; }
  int rank() const { return communicator_->rank(); }
  int size() const { return communicator_->size(); }

  bool first() const { return rank() == 0; }

  // Throws an error that every rank has. The first rank says it, and ends the others, which wait.
  template <class Error>
  [[noreturn]] void fail_together(const Error& error) const {
    if (!first()) communicator_->barrier();
    throw error;
  }

  int on_this_machine() const;  // how many of the ranks; all ranks call it

  // UsageError that names rank, host and key if a rank's value differs from rank 0's.
  void agree(const Facts&);

  // The first rank's text, on all ranks.
  std::string of_first(const std::string& text) const;
  // Copies parameters and state of the first rank to all, and verifies the copies. `step`: for the message.
  void share(const engine::Parameters&, const engine::NamedTensors&, long step) const;
  // RankError that names a rank whose parameters differ from those of the first rank, by their hash.
  void verify(const engine::Parameters&, long step) const;

  // The first rank writes one file with the timelines of all ranks (engine/trace/trace.h).
  void write_trace(const std::string& path) const;

 private:
  std::unique_ptr<engine::Communicator> owned_;
  engine::Communicator* communicator_;
  std::unique_ptr<engine::RankWatch> watch_;
};

// The device of this rank: with --device cuda the GPU of its local rank.
engine::Device device_of_rank(const RankOptions&);

}  // namespace apps
