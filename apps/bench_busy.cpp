// dyad bench busy: how much of a training step's speed is left beside other programs. Each neighbour is a
// process that counts in an endless loop. The measurements alternate: with all threads and with one, beside
// no neighbour, beside one, and so on up to one for each core.
#include <omp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "apps/bench/timed_steps.h"
#include "apps/bench/times.h"
#include "apps/cli/commands.h"
#include "apps/run/run_directory.h"
#include "apps/system/cores.h"
#include "apps/system/machine.h"

namespace apps {
namespace {

// Processes that use a core each, as long as it exists.
class Neighbours {
 public:
  explicit Neighbours(int count) {
    const pid_t self = getpid();
    for (int i = 0; i < count; ++i) {
      const pid_t process = fork();
      if (process < 0) {
        end();
        throw std::runtime_error(std::string("no process can be started: ") + std::strerror(errno));
      }
      if (process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);  // ends with this program, however it ends
        if (getppid() != self) _exit(0);
        for (volatile unsigned long n = 0;;) n = n + 1;
      }
      processes_.push_back(process);
    }
  }
  ~Neighbours() { end(); }
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

 private:
  void end() {
    for (const pid_t p : processes_) {
      kill(p, SIGKILL);
      waitpid(p, nullptr, 0);
    }
    processes_.clear();
  }
  std::vector<pid_t> processes_;
};

struct BusyRow {
  int neighbours, threads;
  std::vector<double> images_per_s = {};  // of each turn

  double median() const { return times_of(images_per_s).median; }
  double lowest() const { return std::ranges::min(images_per_s); }
  double highest() const { return std::ranges::max(images_per_s); }
};

// The part of `cores` cores that fair sharing leaves to as many threads, beside neighbours that stay on one
// core each: half of a core that has a neighbour.
double fair_part(int cores, int neighbours) { return 1 - 0.5 * std::min(neighbours, cores) / cores; }

int measure_busy(const BenchBusyOptions& o, int cores) {
  const int threads = omp_get_max_threads();
  const double quota = cpu_quota();
  StepOnNoise step(o, engine::single(), engine::shard(o.batch, 0, 1), engine::cpu);
  const auto timed = [&](Phases& phase) { return step(phase); };
  std::vector<BusyRow> rows;
  for (int neighbours = 0; neighbours <= o.neighbours; ++neighbours)
    for (const int t : threads > 1 ? std::vector{threads, 1} : std::vector{1})
      rows.push_back({.neighbours = neighbours, .threads = t});
  std::printf("%s, %s, %d images of %d x %d pixels a step; %d threads, %d cores%s\n", o.arch.c_str(),
              o.dtype.c_str(), 2 * o.batch, o.size, o.size, threads, cores,
              quota > 0 ? engine::concat_text(", a quota of ", quota, " cores").c_str() : "");
  time_steps(2, engine::cpu, timed);  // warm up
  for (int turn = 0; turn < o.turns; ++turn)
    for (BusyRow& row : rows) {
      const Neighbours others(row.neighbours);
      omp_set_num_threads(row.threads);
      time_steps(1, engine::cpu, timed);  // the scheduler settles
      const TimedSteps m = time_steps(o.steps, engine::cpu, timed);
      const double seconds = std::accumulate(m.steps.begin(), m.steps.end(), 0.);
      row.images_per_s.push_back(2.0 * o.batch * double(o.steps) / seconds);
    }
  omp_set_num_threads(threads);
  nlohmann::ordered_json table = nlohmann::ordered_json::array();
  std::printf("%10s %8s %10s %17s %8s %6s\n", "neighbours", "threads", "images/s", "lowest, highest",
              "of idle", "fair");
  for (const BusyRow& row : rows) {
    const auto& idle = *std::ranges::find_if(
        rows, [&](const BusyRow& r) { return r.neighbours == 0 && r.threads == row.threads; });
    const bool all = row.threads == cores;
    std::printf("%10d %8d %10.1f %8.1f %8.1f %8.2f %6s\n", row.neighbours, row.threads, row.median(),
                row.lowest(), row.highest(), row.median() / idle.median(),
                all ? engine::concat_text(fair_part(cores, row.neighbours)).substr(0, 5).c_str() : "");
    table.push_back({{"neighbours", row.neighbours},
                     {"threads", row.threads},
                     {"images_per_s", row.images_per_s},
                     {"of_idle", row.median() / idle.median()}});
  }
  if (!o.json.empty())
    write_json(o.json, {{"arch", o.arch},
                        {"size", o.size},
                        {"batch", o.batch},
                        {"dtype", o.dtype},
                        {"steps", o.steps},
                        {"cores", cores},
                        {"rows", table}});
  return 0;
}

}  // namespace

int bench_busy(const BenchBusyOptions& given) {
  BenchBusyOptions o = given;
  const int cores = cpu_info().cores;
  if (o.neighbours < 0) o.neighbours = cores;
  resolve(o, !models::resnet_depth(o.arch).bottlenecks);
  return measure_busy(o, cores);
}

}  // namespace apps
