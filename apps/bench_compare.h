// Two results of `dyad bench ops`, one beside the other.
#pragma once

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

nlohmann::json read_bench(const std::string& path);  // DataError where it is no result of bench ops

// The rows that both builds have. A figure has changed if its rounds, of all results of a build, rank higher
// or lower than the other's beyond what chance does to one in 100 whole comparisons, and their median moved
// by 5 % (apps/rank_sum.h). It is unknown where too few of its rounds were not interrupted. `find`, in
// percent, is the slowdown that is not to be missed. DataError where nothing is common, or something is no
// result.
std::vector<BenchChange> compare_benches(const std::vector<nlohmann::json>& before,
                                         const std::vector<nlohmann::json>& after, int find);

// How many would show that slowdown 95 times in 100.
std::size_t count_sure(const std::vector<BenchChange>&);

// DataError where so many rounds of each build can't tell anything of so many figures.
void require_rounds(std::size_t rounds, std::size_t figures);

// Those that are slower or faster, how many there are, and where the slowdown `find` may have been missed; 1
// where something is slower, else 0. DataError where no figure had rounds enough.
int print_changes(const std::vector<BenchChange>&, int find);

}  // namespace apps
