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

bool slower(const nlohmann::json& a, const nlohmann::json& b) {
  for (const char* value : {"p5", "p25"})
    if (b.at(value).get<double>() <= kThreshold * a.at(value).get<double>()) return false;
  return b.at("p5") > a.at("p25");
}

bool interrupted(const nlohmann::json& pass) { return pass.at("interrupted").get<double>() > 0.5; }

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

nlohmann::json best_of(const std::vector<nlohmann::json>& results) {
  nlohmann::json best = results.at(0);
  try {
    for (const auto& result : results)
      for (auto& row : best.at("rows"))
        for (const auto& other : result.at("rows")) {
          if (row.at("op") != other.at("op") || row.at("shape") != other.at("shape")) continue;
          for (const char* pass : {"forward", "forward_backward"})
            if (row.contains(pass) && other.contains(pass))
              for (const char* value : {"p5", "p25", "median", "interrupted"})
                row[pass][value] = std::min(row[pass].at(value), other[pass].at(value));
        }
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(std::string(e.what()) + ", expected results of dyad bench ops --json");
  }
  return best;
}

std::vector<BenchChange> compare_benches(const nlohmann::json& before, const nlohmann::json& after) {
  std::vector<BenchChange> changes;
  try {
    for (const auto& a : before.at("rows"))
      for (const auto& b : after.at("rows")) {
        if (a.at("op") != b.at("op") || a.at("shape") != b.at("shape")) continue;
        for (const char* pass : {"forward", "forward_backward"}) {
          if (!a.contains(pass) || !b.contains(pass)) continue;
          const auto &x = a.at(pass), &y = b.at(pass);
          changes.push_back({a.at("op"), a.at("shape"), pass, x.at("median"), y.at("median"),
                             interrupted(x) || interrupted(y) ? BenchChange::unknown
                             : slower(x, y)                   ? BenchChange::slower
                             : slower(y, x)                   ? BenchChange::faster
                                                              : BenchChange::same});
        }
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
  const auto changes = compare_benches(best_of(before), best_of(after));
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
