#include "apps/bench_compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "apps/commands.h"
#include "engine/error.h"

namespace apps {
namespace {

constexpr const char* kPasses[] = {"forward", "forward_backward"};
constexpr double kLeast = 1.05;  // a change of the median that is worth a word
// Of 100 comparisons of two equal builds so many, at most, may say of any figure that it moved.
constexpr double kFalseAlarms = 1;

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

double median(const std::vector<double>& sorted) { return sorted.empty() ? 0 : sorted[sorted.size() / 2]; }

// The chance that of n and m samples of one distribution so many pairs, or more, have the second's larger:
// the rank sum's (Mann, Whitney 1947), by its normal approximation, which is above the exact one in the tail.
double chance(double n, double m, double pairs) {
  const double deviation = std::sqrt(n * m * (n + m + 1) / 12);
  return std::erfc((pairs - n * m / 2 - 0.5) / deviation / std::sqrt(2.)) / 2;
}

// `b` than `a`; both sorted. A tie counts for neither, and the deviation is that without ties: both err
// towards no change.
bool slower(const std::vector<double>& a, const std::vector<double>& b, double allowed) {
  double pairs = 0;
  for (const double x : a) pairs += double(b.end() - std::upper_bound(b.begin(), b.end(), x));
  return median(b) > kLeast * median(a) && chance(double(a.size()), double(b.size()), pairs) <= allowed;
}

// Of each figure, in each direction.
double chance_allowed(std::size_t figures) { return kFalseAlarms / 100 / (2 * double(figures)); }

// Fewer of each build can't tell a change from chance, however far apart they are.
std::size_t rounds_needed(std::size_t figures) {
  std::size_t n = 1;
  while (chance(double(n), double(n), double(n * n)) > chance_allowed(figures)) ++n;
  return n;
}

[[noreturn]] void refuse_rounds(std::size_t rounds, std::size_t figures) {
  throw engine::DataError(engine::concat_text(
      rounds, " rounds that were not interrupted can't tell a change in ", figures,
      " figures from noise, expected at least ", rounds_needed(figures), ": more --rounds or fewer ops"));
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
                                         const std::vector<nlohmann::json>& after) {
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
  std::size_t most = 0;
  for (auto& [change, a, b] : figures) {
    const std::size_t rounds = std::min(a.size(), b.size());
    most = std::max(most, rounds);
    change.before = median(a);
    change.after = median(b);
    change.verdict = rounds < needed         ? BenchChange::unknown
                     : slower(a, b, allowed) ? BenchChange::slower
                     : slower(b, a, allowed) ? BenchChange::faster
                                             : BenchChange::same;
    changes.push_back(change);
  }
  if (most < needed) refuse_rounds(most, figures.size());
  return changes;
}

void require_rounds(int rounds, const nlohmann::json& result) {
  std::size_t figures = 0;
  for (const auto& row : result.at("rows"))
    for (const char* pass : kPasses) figures += row.contains(pass);
  if (std::size_t(rounds) < rounds_needed(figures)) refuse_rounds(std::size_t(rounds), figures);
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
