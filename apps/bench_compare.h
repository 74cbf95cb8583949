// Two results of `dyad bench ops`, one beside the other.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace apps {

struct BenchChange {
  std::string op, shape, pass;   // pass: "forward" or "forward_backward"
  double before = 0, after = 0;  // seconds
  enum Verdict { same, faster, slower, unknown } verdict = same;
};

nlohmann::json read_bench(const std::string& path);  // DataError where it is no result of bench ops

// The rows that both builds have. A figure has changed if its rounds, of all results of a build, rank higher
// or lower than the other's beyond what chance does to one in 100 whole comparisons, and their median moved
// by 5 %. It is unknown where too few of its rounds were not interrupted. DataError where that is so of all,
// nothing is common, or something is no result.
std::vector<BenchChange> compare_benches(const std::vector<nlohmann::json>& before,
                                         const std::vector<nlohmann::json>& after);

// DataError where so many rounds of each build, of what the result has, can't tell anything.
void require_rounds(int rounds, const nlohmann::json& result);

// Those that are slower or faster, and how many there are; 1 where something is slower, else 0.
int print_changes(const std::vector<BenchChange>&);

}  // namespace apps
