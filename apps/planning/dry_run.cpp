#include "apps/planning/dry_run.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ostream>

#include "apps/options/config.h"
#include "apps/planning/memory_need.h"
#include "apps/planning/plan_json.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/system/duration.h"
#include "apps/system/exit_code.h"
#include "apps/training/train_step.h"
#include "apps/training/training_data.h"
#include "data/files.h"
#include "engine/ranks/communicator.h"

namespace apps {
namespace {

// While one exists, this process has the threads of one of `ranks` ranks, as --ranks sets them.
class ThreadsOfRank {
 public:
  explicit ThreadsOfRank(int ranks) : before_(omp_get_max_threads()) {
    if (ranks > 1 && std::getenv("OMP_NUM_THREADS") == nullptr)
      omp_set_num_threads(std::max(1, before_ / ranks));
  }
  ~ThreadsOfRank() { omp_set_num_threads(before_); }
  ThreadsOfRank(const ThreadsOfRank&) = delete;
  ThreadsOfRank& operator=(const ThreadsOfRank&) = delete;

 private:
  const int before_;
};

struct MeasuredStep {
  int pairs;       // of the measured steps
  double seconds;  // of a step of the training
};

// Two steps after one that sets up. The ranks of one CPU share its cores, so they take about as long as one
// process with the whole batch. Many pairs are measured in part, since a step's time grows with their number.
MeasuredStep measured_step(const PretrainOptions& given, const data::Dataset& dataset, models::Method& method,
                           int ranks) {
  using Clock = std::chrono::steady_clock;
  const engine::Device device = method.parameters.device();
  const bool on_cpu = device.backend == engine::Backend::cpu;
  const int share = on_cpu ? given.batch : (given.batch + ranks - 1) / ranks;
  constexpr int kMostOnCpu = 64, kTimed = 2;
  PretrainOptions o = given;
  o.batch = std::max(2 * o.split_norm, on_cpu ? std::min(share, kMostOnCpu) : share);
  const ThreadsOfRank threads(ranks);
  const auto optimizer = make_optimizer(o, method.parameters);
  TrainStep train_step(method, *optimizer, engine::single(), o.batch, bucket_bytes(o),
                       recompute_mode(o.recompute));
  data::Loader loader(dataset, loader_options(o, device, false));
  data::ViewBatches views = training_views(o, device);
  Phases phases(device, false);
  data::Batch batch;
  Clock::time_point begun;
  for (int step = 0; step <= kTimed; ++step) {
    if (step == 1) begun = Clock::now();
    loader.next(batch);
    train_step.schedule(0, 0);
    const engine::Tensor images = views(batch);
    train_step.launch(images, phases, views.labels(), views.second_places()).item();  // waits for the device
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count() / kTimed;
  return {o.batch, seconds * share / o.batch};
}

}  // namespace

int dry_run(std::ostream& out, const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
            models::Method& method, const std::string& stem, int ranks, long done) {
  PretrainOptions copy = o;
  out << config_text("pretrain", fields(copy)) << "\nviews: " << views_text(o) << '\n';
  for (const engine::Parameter& p : method.parameters.list())
    if (o.verbose && p.trained)
      out << "  " << p.name << ' ' << p.value.shape() << (p.decayed ? "" : "  no decay") << '\n';
  if (o.verbose) out << '\n';
  for (const std::string& line : plan_lines(o, plan, dataset, method)) out << line << '\n';
  if (!stem.empty()) out << stem << '\n';
  out << (plan.warmup_end() > done ? "warm-up to lr " : "lr ") << o.lr;
  if (plan.warmup_end() > done) out << " after step " << plan.warmup_end();
  if (!plan.warmup_fills_training()) out << ", then cosine to 0 after step " << plan.steps;
  out << '\n';
  const engine::Device device = method.parameters.device();
  constexpr double kMpi = 40e6;  // of Open MPI 4.1 in a rank on one machine; this process is no rank
  const MemoryPlan memory = memory_plan(o, dataset, method, ranks, ranks, o.ranks > 1 ? kMpi : 0);
  out << memory_text(memory.need, device) << '\n' << memory.verdict.text << std::endl;
  require_memory(memory.verdict, o.force);
  copy.recompute = memory.recompute;
  const MeasuredStep step = measured_step(copy, dataset, method, ranks);
  out << "time: about " << rough_duration(step.seconds * double(plan.steps - done)) << ", "
      << rough_duration(step.seconds * double(plan.steps_per_epoch)) << " an epoch, measured on steps of "
      << data::counted(double(step.pairs), "pair") << std::endl;
  if (o.json.empty()) return kOk;
  auto json = plan_json(copy, plan, dataset, method, memory.need);
  json["seconds"] = step.seconds * double(plan.steps - done);
  write_json(o.json, json);
  return kOk;
}

}  // namespace apps
