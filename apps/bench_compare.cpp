#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "apps/bench/compare.h"
#include "apps/bench/significance.h"
#include "apps/cli/commands.h"
#include "apps/report/median.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

// The conditions of a result besides the code.
constexpr const char* kConditions[] = {"device", "dtype", "threads", "cache"};

// By op, shape and pass: the 25th percentiles of all rounds of all results, ascending, without the rounds
// that were mostly interrupted.
using Rounds = std::map<std::array<std::string, 3>, std::vector<double>>;

Rounds rounds_of(const std::vector<nlohmann::json>& results) {
  Rounds all;
  try {
    for (const auto& result : results)
      for (const auto& row : result.at("rows"))
        for (const char* pass : {"forward", "forward_backward"}) {
          if (!row.contains(pass)) continue;
          auto& figure = all[{row.at("op"), row.at("shape"), pass}];
          for (const auto& round : row.at(pass).at("rounds"))
            if (round.at("interrupted") <= 0.5) figure.push_back(round.at("p25"));
        }
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(std::string(e.what()) + ", expected results of dyad bench ops --json");
  }
  for (auto& [name, figure] : all) std::sort(figure.begin(), figure.end());
  return all;
}

// The results that a flag names.
std::vector<nlohmann::json> read_all(const std::string& paths) {
  std::vector<nlohmann::json> all;
  std::istringstream names(paths);
  for (std::string path; std::getline(names, path, ',');) all.push_back(read_bench(path));
  if (all.empty()) throw engine::DataError("\"" + paths + "\" names no file");
  return all;
}

void require_alike(const nlohmann::json& a, const std::string& path_a, const nlohmann::json& b,
                   const std::string& path_b) {
  for (const char* key : kConditions)
    if (a.value(key, "") != b.value(key, ""))
      throw engine::DataError(path_b + ": " + key + " is " + b.value(key, "") + ", expected that of " +
                              path_a + ", " + a.value(key, ""));
}

}  // namespace

nlohmann::json read_bench(const std::string& path) {
  const engine::FileText in = engine::read_text(path);
  if (!in.read()) throw engine::DataError(path + " can't be opened: " + in.error);
  try {
    auto result = nlohmann::json::parse(in.bytes);
    result.at("rows");
    for (const char* key : kConditions) result.value(key, "");  // throws if it is not text
    return result;
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(path + ": " + e.what() + ", expected a result of dyad bench ops --json");
  }
}

BenchComparison compare_benches(const std::vector<nlohmann::json>& before,
                                const std::vector<nlohmann::json>& after, int find) {
  const Rounds old_rounds = rounds_of(before), new_rounds = rounds_of(after);
  const auto common =
      std::size_t(std::count_if(old_rounds.begin(), old_rounds.end(),
                                [&](const auto& figure) { return new_rounds.count(figure.first); }));
  if (common == 0) throw engine::DataError("the two results have no row in common");

  const double allowed = chance_allowed(common);
  const std::size_t needed = rounds_needed(common);
  BenchComparison all;
  all.alone = old_rounds.size() + new_rounds.size() - 2 * common;
  for (const auto& [name, a] : old_rounds) {
    const auto same = new_rounds.find(name);
    if (same == new_rounds.end()) continue;
    const std::vector<double>& b = same->second;
    all.changes.push_back({.op = name[0], .shape = name[1], .pass = name[2]});
    BenchChange& change = all.changes.back();
    change.before = a.empty() ? 0 : median(a);
    change.after = b.empty() ? 0 : median(b);
    change.rounds = std::min(a.size(), b.size());
    if (change.rounds < needed) continue;
    change.verdict = slower(a, b, allowed)   ? BenchChange::slower
                     : slower(b, a, allowed) ? BenchChange::faster
                                             : BenchChange::same;
    change.found = chance_to_find(a, b, 1 + find / 100., allowed);
  }
  return all;
}

void require_rounds(std::size_t rounds, std::size_t figures) {
  if (rounds >= rounds_needed(figures)) return;
  throw engine::DataError(engine::concat_text(
      rounds, " rounds that were not interrupted can't tell a change in ", figures,
      " figures from noise, expected at least ", rounds_needed(figures), ": more rounds or fewer ops"));
}

int bench_compare(const BenchCompareOptions& o) {
  const auto before = read_all(o.before), after = read_all(o.after);
  for (const auto& b : before) require_alike(before[0], o.before, b, o.before);
  for (const auto& a : after) require_alike(before[0], o.before, a, o.after);
  return print_changes(compare_benches(before, after, o.find), o.find);
}

int print_changes(const BenchComparison& all, int find) {
  const auto& changes = all.changes;
  std::size_t rounds = 0;
  for (const BenchChange& c : changes) rounds = std::max(rounds, c.rounds);
  require_rounds(rounds, changes.size());

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
  std::printf("%zu compared, %d slower, %d with too few rounds that were not interrupted\n", changes.size(),
              found, unknown);
  if (all.alone > 0) std::printf("%zu not compared: only one of the two has them\n", all.alone);
  const std::size_t sure = all.sure();
  if (sure == changes.size()) {
    std::printf("%d %% would have been found in each\n", find);
  } else {
    const auto& least = *std::min_element(changes.begin(), changes.end(),
                                          [](const auto& a, const auto& b) { return a.found < b.found; });
    std::printf(
        "%d %% would have been found in %zu, and may be missed in the others, most easily in %s %s %s, where "
        "it is found %.0f times in 100: more rounds or fewer ops\n",
        find, sure, least.op.c_str(), least.shape.c_str(), least.pass.c_str(), 100 * least.found);
  }
  return found == 0 ? 0 : 1;
}

}  // namespace apps
