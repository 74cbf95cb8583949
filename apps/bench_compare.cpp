#include "apps/bench_compare.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "apps/commands.h"
#include "apps/rank_sum.h"
#include "engine/error.h"

namespace apps {
namespace {

constexpr const char* kPasses[] = {"forward", "forward_backward"};

// The 25th percentile of a pass in each round of all results, but of those that were mostly interrupted; none
// where no result has the row.
std::optional<std::vector<double>> rounds_of(const std::vector<nlohmann::json>& results,
                                             const nlohmann::json& row, const char* pass) {
  std::optional<std::vector<double>> all;
  for (const auto& result : results)
    for (const auto& r : result.at("rows")) {
      if (r.at("op") != row.at("op") || r.at("shape") != row.at("shape") || !r.contains(pass)) continue;
      if (!all) all.emplace();
      for (const auto& round : r.at(pass).at("rounds"))
        if (round.at("interrupted") <= 0.5) all->push_back(round.at("p25"));
    }
  if (all) std::sort(all->begin(), all->end());
  return all;
}

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
                                         const std::vector<nlohmann::json>& after, int find) {
  struct Figure {
    BenchChange change;
    std::vector<double> a, b;
  };
  std::vector<Figure> figures;
  try {
    for (const auto& row : before.at(0).at("rows"))
      for (const char* pass : kPasses) {
        auto a = rounds_of(before, row, pass), b = rounds_of(after, row, pass);
        if (a && b) figures.push_back({{row.at("op"), row.at("shape"), pass}, std::move(*a), std::move(*b)});
      }
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(std::string(e.what()) + ", expected results of dyad bench ops --json");
  }
  if (figures.empty()) throw engine::DataError("the two results have no row in common");

  const double allowed = chance_allowed(figures.size());
  const std::size_t needed = rounds_needed(figures.size());
  std::vector<BenchChange> changes;
  for (auto& [change, a, b] : figures) {
    change.before = median(a);
    change.after = median(b);
    change.rounds = std::min(a.size(), b.size());
    if (change.rounds >= needed) {
      change.verdict = slower(a, b, allowed)   ? BenchChange::slower
                       : slower(b, a, allowed) ? BenchChange::faster
                                               : BenchChange::same;
      change.found = chance_to_find(a, b, 1 + find / 100., allowed);
    }
    changes.push_back(change);
  }
  return changes;
}

void require_rounds(std::size_t rounds, std::size_t figures) {
  if (rounds >= rounds_needed(figures)) return;
  throw engine::DataError(engine::concat_text(
      rounds, " rounds that were not interrupted can't tell a change in ", figures,
      " figures from noise, expected at least ", rounds_needed(figures), ": more --rounds or fewer ops"));
}

int bench_compare(const BenchCompareOptions& o) {
  const auto before = read_all(o.before), after = read_all(o.after);
  for (const auto& b : before) require_alike(before[0], o.before, b, o.before);
  for (const auto& a : after) require_alike(before[0], o.before, a, o.after);
  return print_changes(compare_benches(before, after, o.find), o.find);
}

std::size_t count_sure(const std::vector<BenchChange>& changes) {
  return std::size_t(std::count_if(changes.begin(), changes.end(), [](const auto& c) { return c.sure(); }));
}

int print_changes(const std::vector<BenchChange>& changes, int find) {
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
  std::printf("%zu compared, %d slower, %d too often interrupted to tell\n", changes.size(), found, unknown);
  const std::size_t sure = count_sure(changes);
  if (sure == changes.size()) {
    std::printf("%d %% would have been found in each\n", find);
  } else {
    const auto& least = *std::min_element(changes.begin(), changes.end(),
                                          [](const auto& a, const auto& b) { return a.found < b.found; });
    std::printf(
        "%d %% would have been found in %zu, and may be missed in the others, most easily in %s %s %s, where "
        "it is found %.0f times in 100: more --rounds or fewer ops\n",
        find, sure, least.op.c_str(), least.shape.c_str(), least.pass.c_str(), 100 * least.found);
  }
  return found == 0 ? 0 : 1;
}

}  // namespace apps
