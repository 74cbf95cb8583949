#include "apps/bench_compare.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "apps/commands.h"
#include "engine/error.h"

namespace apps {
namespace {

constexpr double kThreshold = 1.10;

using Passes = std::vector<nlohmann::json>;  // of one row, in each of a build's results that has it

// The value of the best result, or of the median one.
double value_of(const Passes& passes, const char* value, bool best) {
  std::vector<double> all;
  for (const auto& p : passes) all.push_back(p.at(value));
  std::sort(all.begin(), all.end());
  return all[best ? 0 : all.size() / 2];
}

bool slower(const Passes& a, const Passes& b) {
  for (const char* value : {"p5", "p25"})
    for (const bool best : {true, false})
      if (value_of(b, value, best) <= kThreshold * value_of(a, value, best)) return false;
  return value_of(b, "p5", true) > value_of(a, "p25", true);
}

bool interrupted(const Passes& passes) { return value_of(passes, "interrupted", true) > 0.5; }

Passes passes_of(const std::vector<nlohmann::json>& results, const nlohmann::json& row, const char* pass) {
  Passes passes;
  for (const auto& result : results)
    for (const auto& r : result.at("rows"))
      if (r.at("op") == row.at("op") && r.at("shape") == row.at("shape") && r.contains(pass))
        passes.push_back(r.at(pass));
  return passes;
}

nlohmann::json read(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw engine::DataError(path + " can't be opened");
  try {
    return nlohmann::json::parse(in);
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(path + ": " + e.what() + ", expected a result of dyad bench ops --json");
  }
}

// The results that a flag names, which must be of one kind.
std::vector<nlohmann::json> read_all(const std::string& paths) {
  std::vector<nlohmann::json> all;
  std::istringstream names(paths);
  for (std::string path; std::getline(names, path, ',');) all.push_back(read(path));
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

std::vector<BenchChange> compare_benches(const std::vector<nlohmann::json>& before,
                                         const std::vector<nlohmann::json>& after) {
  std::vector<BenchChange> changes;
  try {
    for (const auto& row : before.at(0).at("rows"))
      for (const char* pass : {"forward", "forward_backward"}) {
        const Passes a = passes_of(before, row, pass), b = passes_of(after, row, pass);
        if (a.empty() || b.empty()) continue;
        changes.push_back({row.at("op"), row.at("shape"), pass, value_of(a, "median", true),
                           value_of(b, "median", true),
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
  int found = 0, unknown = 0;
  const auto changes = compare_benches(before, after);
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
