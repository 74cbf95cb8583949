// Two results of `dyad bench ops`, one beside the other.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace apps {

struct BenchChange {
  std::string op, shape, pass;   // pass: "forward" or "forward_backward"
  double before = 0, after = 0;  // seconds
  std::size_t rounds = 0;        // of each build, that were not interrupted
  enum Verdict { same, faster, slower, unknown } verdict = unknown;
  double found = 0;  // how often the slowdown that is not to be missed would be found, were it there: 0 to 1
  bool sure() const { return found >= 0.95; }
};

struct BenchComparison {
  std::vector<BenchChange> changes;  // of the figures that both builds have
  std::size_t alone = 0;             // figures that one of them has not

  std::size_t sure() const {
    return std::size_t(std::count_if(changes.begin(), changes.end(), [](const auto& c) { return c.sure(); }));
  }
};

nlohmann::json read_bench(const std::string& path);  // DataError where it is no result of bench ops

// A figure has changed if its rounds, of all results of a build, rank higher or lower than the other's beyond
// what chance does to one in 100 whole comparisons, and their median moved by 5 %
// (apps/bench/significance.h). It is unknown where too few of its rounds were not interrupted. `find`, in
// percent, is the slowdown that is not to be missed. DataError where nothing is common, or something is no
// result.
BenchComparison compare_benches(const std::vector<nlohmann::json>& before,
                                const std::vector<nlohmann::json>& after, int find);

// DataError where so many rounds of each build can't tell anything of so many figures.
void require_rounds(std::size_t rounds, std::size_t figures);

// What is slower or faster, how many there are, and where the slowdown `find` may have been missed; 1 where
// something is slower, else 0. DataError where no figure had rounds enough.
int print_changes(const BenchComparison&, int find);

}  // namespace apps
