#include "apps/ranks/ranks.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "apps/ranks/local_ranks.h"
#include "apps/ranks/mpirun.h"
#include "apps/run/run_directory.h"
#include "apps/system/exit_code.h"
#include "engine/error.h"
#include "engine/ranks/mpi_communicator.h"
#include "engine/ranks/nccl_communicator.h"
#include "engine/ranks/rank_endings.h"
#include "engine/trace/trace.h"

namespace apps {
namespace {

using engine::UsageError;

constexpr std::chrono::seconds kFirstSpeaks(1);  // for an error of the first rank to end the others

int number(const char* name, const char* text) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < 0 || value > 1'000'000)
    throw UsageError(std::string(name) + " is \"" + text + "\", expected a whole number");
  return int(value);
}

const char* environment_variable(const char* name) { return std::getenv(name); }

std::vector<std::string> own_command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  // The name it was started by is kept if it is a path of the program, as it is printed in command lines.
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  std::error_code none;
  const bool path = words[0].find('/') != std::string::npos;
  if (!path || !std::filesystem::equivalent(words[0], program, none)) words[0] = program;
  return words;
}

void set(const char* name, const std::string& value, bool replace) {
  setenv(name, value.c_str(), replace ? 1 : 0);
}

// Open MPI reads its settings from these variables; other launchers ignore them.
int start_mpi_ranks(int ranks) {
  set("OMPI_ALLOW_RUN_AS_ROOT", "1", true);  // root in a container
  set("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", true);
  set("OMPI_MCA_rmaps_base_oversubscribe", "1", false);  // allow more ranks than cores
  set("OMPI_MCA_hwloc_base_binding_policy", "none", false);
  set("OMPI_MCA_orte_execute_quiet", "1", false);  // no banner when a rank ends with another code than 0
  set("OMP_NUM_THREADS", std::to_string(std::max(1, omp_get_max_threads() / ranks)), false);
  std::vector<std::string> words = own_command_line();
  words.insert(words.begin(), {"mpirun", "-n", std::to_string(ranks)});
  return run_mpirun(words);
}

// torchrun starts processes that know nothing of MPI. So the first becomes the parent of mpirun, which starts
// all ranks, and the others have nothing to do.
int start_mpi_ranks_for_torchrun(const Launched& l) {
  const char* here = environment_variable("LOCAL_WORLD_SIZE");
  if (here == nullptr || number("LOCAL_WORLD_SIZE", here) != l.size)
    throw UsageError("torchrun on several machines starts CUDA ranks; on the CPU device use mpirun or srun");
  if (l.rank > 0) return kOk;
  for (const char* name : {"RANK", "LOCAL_RANK", "WORLD_SIZE"}) unsetenv(name);
  return start_mpi_ranks(l.size);
}

// One process per GPU.
int start_cuda_ranks(int ranks) { return code_of_run(run_local_ranks(ranks, own_command_line()), 0); }

}  // namespace

Launched launched(const std::function<const char*(const char*)>& variable) {
  struct Names {
    const char *by, *size, *rank, *local_rank;
  };
  // One launcher may run inside another, so the variables of both are set: the inner one comes first here.
  for (const Names& n :
       {Names{"torchrun", "WORLD_SIZE", "RANK", "LOCAL_RANK"},
        Names{"Open MPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK"},
        Names{"PMI", "PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID"},
        // the tasks of a step of srun; SLURM_NTASKS is set in a batch script too, which is one process
        Names{"Slurm", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID"}}) {
    const char *size = variable(n.size), *rank = variable(n.rank), *local = variable(n.local_rank);
    if (size == nullptr || rank == nullptr) continue;
    const Launched l{n.by, number(n.rank, rank), number(n.size, size),
                     local != nullptr ? number(n.local_rank, local) : 0};
    if (l.rank >= l.size)
      throw UsageError(
          engine::concat_text(n.rank, " is ", l.rank, ", expected less than ", n.size, " (", l.size, ")"));
    return l;
  }
  return {};
}

int number_of_ranks(const RankOptions& o) { return std::max(o.ranks, launched(environment_variable).size); }
bool is_first_launched() { return launched(environment_variable).rank == 0; }

void require_one_process(const std::string& command) {
  const Launched l = launched(environment_variable);
  if (l.size > 1)
    throw UsageError(engine::concat_text("dyad ", command, " is one process, but ", l.by, " has started ",
                                         l.size, ": start it without that"));
}

std::string launch_text() {
  const Launched l = launched(environment_variable);
  if (l.size == 1) return "";
  const std::string n = std::to_string(l.size) + " ";
  return l.by == "torchrun" ? "torchrun --nproc-per-node " + n + "--no-python -- "
         : l.by == "Slurm"  ? "srun -n " + n
                            : "mpirun -n " + n;
}

std::string name_in_error() {
  Launched l;
  try {
    l = launched(environment_variable);
  } catch (const UsageError&) {  // a damaged variable, which may be the error
    return "";
  }
  if (l.rank == 0) return "";
  std::this_thread::sleep_for(kFirstSpeaks);
  return engine::concat_text("rank ", l.rank, " on ", engine::host_name(), ": ");
}

void require_image_for_each_rank(const RankOptions& o, int batch) {
  const int ranks = number_of_ranks(o);
  if (ranks > batch)
    throw UsageError(engine::concat_text("--batch is ", batch, ", expected at least ", ranks,
                                         ": one image for each of the ", ranks, " ranks"));
}

std::optional<int> start_ranks(const RankOptions& o, const std::function<void()>& check) {
  const Launched l = launched(environment_variable);
  if (l.by.empty()) {
    if (o.ranks == 1) return {};
    check();
    if (o.device == "cpu") {
      if (!engine::mpi_is_built_in()) engine::connect_mpi(o.timeout);  // says what is missing
      return start_mpi_ranks(o.ranks);
    }
    (void)engine::parse_device("cuda");  // an error once, not of each rank
    return start_cuda_ranks(o.ranks);
  }
  if (o.ranks != 1 && o.ranks != l.size)
    throw UsageError(engine::concat_text("--ranks ", o.ranks, ", but ", l.by, " has started ", l.size,
                                         ": leave --ranks out"));
  if (l.by == "torchrun" && l.size > 1 && o.device == "cpu") {
    if (!engine::mpi_is_built_in()) engine::connect_mpi(o.timeout);
    return start_mpi_ranks_for_torchrun(l);
  }
  engine::say_begun();
  return {};
}

engine::Device device_of_rank(const RankOptions& o) {
  const Launched l = launched(environment_variable);
  if (o.device == "cuda" && l.size > 1) return engine::parse_device("cuda:" + std::to_string(l.local_rank));
  return engine::parse_device(o.device);
}

Ranks::Ranks(const RankOptions& o, const std::string& command, bool connect)
    : communicator_(&engine::single()) {
  const Launched l = launched(environment_variable);
  if (l.size == 1 || !connect) return;
  const engine::Device device = device_of_rank(o);
  if (device.backend == engine::Backend::cpu || o.collectives == "mpi") {
    owned_ = engine::connect_mpi(o.timeout);
  } else {
    owned_ = engine::connect_nccl(device, l.rank, l.size, o.timeout);
  }
  communicator_ = owned_.get();
  engine::require(size() == l.size, l.by, " has started ", l.size, " ranks, but they find only ", size(),
                  ": is it the launcher of the MPI that dyad was built with?");
  watch_ = std::make_unique<engine::RankWatch>(*communicator_, "dyad " + command, o.timeout);
  engine::say_connected();
}

int Ranks::guarded(const std::function<int()>& f) {
  try {
    const int code = f();
    communicator_->barrier();
    return code;
  } catch (const std::exception& e) {
    // An error of the user is most often that of all ranks: the first one, which needs to name none, says it.
    const int code = exit_code_of(e);
    if (!first() && (code == kUsage || code == kBadData)) std::this_thread::sleep_for(kFirstSpeaks);
    communicator_->abort("this rank has failed");
    if (watch_) watch_->failed(message_of(e), exit_code_of(e));
    throw;
  }
}

int Ranks::on_this_machine() const {
  if (size() == 1) return 1;
  const std::vector<std::string> hosts = engine::exchange_texts(*communicator_, engine::host_name());
  return int(std::count(hosts.begin(), hosts.end(), engine::host_name()));
}

void Ranks::agree(const Facts& facts) {
  if (size() == 1) return;
  Facts own = facts;
  own.emplace_back("host", engine::host_name());
  std::vector<RankFacts> all;
  for (const std::string& text : engine::exchange_texts(*communicator_, packed(own))) {
    RankFacts& rank = all.emplace_back(RankFacts{.host = "", .facts = unpacked(text)});
    rank.host = rank.facts.back().second;
    rank.facts.pop_back();
  }
  const std::string wrong = disagreement(all);
  if (!wrong.empty()) fail_together(UsageError(wrong));
}

std::string Ranks::of_first(const std::string& text) const {
  return size() == 1 ? text : engine::exchange_texts(*communicator_, first() ? text : "")[0];
}

void Ranks::share(const engine::Parameters& parameters, const engine::NamedTensors& state, long step) const {
  if (size() == 1) return;
  for (const engine::Parameter& p : parameters.list()) communicator_->broadcast(p.value.detach(), 0);
  for (const auto& [name, tensor] : state) communicator_->broadcast(tensor, 0);
  verify(parameters, step);
}

void Ranks::verify(const engine::Parameters& parameters, long step) const {
  if (size() == 1) return;
  const std::string own = std::to_string(parameters.hash()) + " " + engine::host_name();
  const std::vector<std::string> all = engine::exchange_texts(*communicator_, own);
  const auto hash = [](const std::string& text) { return text.substr(0, text.find(' ')); };
  for (std::size_t r = 1; r < all.size(); ++r)
    if (hash(all[r]) != hash(all[0]))
      throw engine::RankError(engine::concat_text("rank ", r, " on ", all[r].substr(all[r].find(' ') + 1),
                                                  ": its parameters after step ", step,
                                                  " are not those of rank 0"));
}

void Ranks::write_trace(const std::string& path) const {
  std::string all = "[";
  for (const std::string& events : engine::exchange_texts(*communicator_, engine::trace_events(rank())))
    all += (all.size() > 1 ? ",\n" : "") + events;
  if (first()) write_text(path, all + "]\n");
}

}  // namespace apps
