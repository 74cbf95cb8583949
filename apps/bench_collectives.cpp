// dyad bench collectives measures as nccl-tests does. Algorithm bandwidth is bytes / time. Bus bandwidth is
// what the slowest link must have carried, so that figures of different numbers of ranks can be compared
// (nccl-tests, doc/PERFORMANCE.md). It is a multiple of algorithm bandwidth: 2 (R - 1) / R for all_reduce, (R
// - 1) / R for all_gather and reduce_scatter, 1 for broadcast.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/bench/times.h"
#include "apps/cli/commands.h"
#include "apps/ranks/ranks.h"
#include "apps/run/run_directory.h"

namespace apps {
namespace {

using engine::Tensor;

struct Collective {
  const char* name;
  double bus;  // bus bandwidth over algorithm bandwidth
  std::function<void()> call;
};

// Median seconds of a call; each call counts with the time of its slowest rank.
double seconds_of_collective(const Collective& c, int repeat, const Ranks& ranks, engine::Device device) {
  std::vector<double> times;
  for (int i = 0; i < repeat + 3; ++i) {  // the first three warm up
    ranks.communicator().barrier();
    const auto begun = std::chrono::steady_clock::now();
    c.call();
    engine::synchronize(device);
    if (i >= 3)
      times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
  }
  const Tensor all = ranks.communicator().all_gather(
      engine::from_vector({1, std::int64_t(times.size())}, times, engine::DType::f64, device));
  const std::vector<double> values = all.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i)
    times[i % times.size()] = std::max(times[i % times.size()], values[i]);
  return times_of(times).median;
}

int measure_collectives(const CollectivesOptions& o, const Ranks& ranks) {
  const engine::Device device = device_of_rank(o);
  const engine::DType dtype = engine::parse_dtype(o.dtype);
  engine::Communicator& c = ranks.communicator();
  const double n = c.size();
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  if (ranks.first())
    std::printf("%d ranks, %s on %s\n%-15s %12s %12s %12s %12s\n", c.size(), o.dtype.c_str(),
                o.device.c_str(), "collective", "bytes", "time us", "algbw GB/s", "busbw GB/s");
  for (long bytes = o.min_bytes; bytes <= o.max_bytes; bytes *= 4) {
    const std::int64_t part =
        std::max<std::int64_t>(1, bytes / std::int64_t(engine::size_of(dtype)) / c.size());
    const Tensor whole = engine::zeros({part * c.size()}, dtype, device),
                 own = engine::zeros({part}, dtype, device);
    for (const Collective& collective :
         {Collective{"all_reduce", 2 * (n - 1) / n, [&] { c.all_reduce_sum(whole); }},
          Collective{"all_gather", (n - 1) / n, [&] { c.all_gather(own); }},
          Collective{"reduce_scatter", (n - 1) / n, [&] { c.reduce_scatter_sum(whole); }},
          Collective{"broadcast", 1, [&] { c.broadcast(whole, 0); }}}) {
      const double seconds = seconds_of_collective(collective, o.repeat, ranks, device);
      const double bandwidth = double(whole.bytes()) / seconds / 1e9;
      if (ranks.first())
        std::printf("%-15s %12zu %12.1f %12.2f %12.2f\n", collective.name, whole.bytes(), seconds * 1e6,
                    bandwidth, bandwidth * collective.bus);
      rows.push_back({{"collective", collective.name},
                      {"bytes", whole.bytes()},
                      {"seconds", seconds},
                      {"algbw_gb_s", bandwidth},
                      {"busbw_gb_s", bandwidth * collective.bus}});
    }
  }
  if (ranks.first() && !o.json.empty())
    write_json(o.json, {{"ranks", c.size()}, {"dtype", o.dtype}, {"device", o.device}, {"rows", rows}});
  return 0;
}

}  // namespace

int bench_collectives(const CollectivesOptions& o) {
  if (const auto code = start_ranks(o)) return *code;
  Ranks ranks(o, "bench collectives");
  return ranks.guarded([&] { return measure_collectives(o, ranks); });
}

}  // namespace apps
