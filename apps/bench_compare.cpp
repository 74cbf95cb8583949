#include "apps/bench_compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>
#include <sstream>

#include "apps/commands.h"
#include "engine/error.h"

namespace apps {
namespace {

constexpr double kBest = 1.08, kMedian = 1.05;

// The 25th percentile of a pass in the best of a result's rounds, for each result that has it.
std::vector<double> best_rounds(const std::vector<nlohmann::json>& results, const nlohmann::json& row,
                                const char* pass) {
  std::vector<double> all;
  for (const auto& result : results)
    for (const auto& r : result.at("rows"))
      if (r.at("op") == row.at("op") && r.at("shape") == row.at("shape") && r.contains(pass)) {
        double best = std::numeric_limits<double>::infinity();
        for (const auto& round : r.at(pass).at("rounds")) {
          if (round.at("interrupted") > 0.5) continue;
          best = std::min(best, round.at("p25").get<double>());
        }
        all.push_back(best);
      }
  std::sort(all.begin(), all.end());
  return all;
}

double median(const std::vector<double>& sorted) { return sorted[sorted.size() / 2]; }

// `b` than `a`; both sorted
bool slower(const std::vector<double>& a, const std::vector<double>& b) {
  return b[0] > kBest * a[0] && median(b) > kMedian * median(a);
}

// In all of its rounds.
bool interrupted(const std::vector<double>& best) { return std::isinf(best[0]); }

// The results that a flag names, which must be of one kind.
std::vector<nlohmann::json> read_all(const std::string& paths) {
  std::vector<nlohmann::json> all;
  std::istringstream names(paths);
  for (std::string path; std::getline(names, path, ',');) all.push_back(read_bench(path));
  if (all.empty()) throw engine::DataError("\"" + paths + "\" names no file");
  return all;
}

// What a result is of, but for the code.
void require_alike(const nlohmann::json& a, const std::string& path_a, const nlohmann::json& b,
                   const std::string& path_b) {
  for (const char* key : {"device", "dtype", "threads", "cache"})
    if (a.value(key, "") != b.value(key, ""))
      throw engine::DataError(path_b + ": " + key + " is " + b.value(key, "") + ", expected that of " +
                              path_a + ", " + a.value(key, ""));
}

}  // namespace

nlohmann::json read_bench(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw engine::DataError(path + " can't be opened");
  try {
    return nlohmann::json::parse(in);
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(path + ": " + e.what() + ", expected a result of dyad bench ops --json");
  }
}

std::vector<BenchChange> compare_benches(const std::vector<nlohmann::json>& before,
                                         const std::vector<nlohmann::json>& after) {
  std::vector<BenchChange> changes;
  try {
    for (const auto& row : before.at(0).at("rows"))
      for (const char* pass : {"forward", "forward_backward"}) {
        const auto a = best_rounds(before, row, pass), b = best_rounds(after, row, pass);
        if (a.empty() || b.empty()) continue;
        changes.push_back({row.at("op"), row.at("shape"), pass, a[0], b[0],
                           interrupted(a) || interrupted(b) ? BenchChange::unknown
                           : slower(a, b)                   ? BenchChange::slower
                           : slower(b, a)                   ? BenchChange::faster
                                                            : BenchChange::same});
      }
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(std::string(e.what()) + ", expected results of dyad bench ops --json");
  }
  if (changes.empty()) throw engine::DataError("the two results have no row in common");
  return changes;
}

int bench_compare(const BenchCompareOptions& o) {
  const auto before = read_all(o.before), after = read_all(o.after);
  for (const auto& b : before) require_alike(before[0], o.before, b, o.before);
  for (const auto& a : after) require_alike(before[0], o.before, a, o.after);
  return print_changes(compare_benches(before, after));
}

int print_changes(const std::vector<BenchChange>& changes) {
  int found = 0, unknown = 0;
  for (const BenchChange& c : changes) {
    unknown += c.verdict == BenchChange::unknown;
    if (c.verdict == BenchChange::same || c.verdict == BenchChange::unknown) continue;
    const bool is_slower = c.verdict == BenchChange::slower;
    found += is_slower;
    std::printf("%s  %-24s %-18s %-17s %10.3f ms -> %10.3f ms  x %.2f\n", is_slower ? "slower" : "faster",
                c.op.c_str(), c.shape.c_str(), c.pass.c_str(), c.before * 1e3, c.after * 1e3,
                c.after / c.before);
  }
  std::printf("%zu compared, %d slower, %d too often interrupted to tell\n", changes.size(), found, unknown);
  return found == 0 ? 0 : 1;
}

}  // namespace apps
