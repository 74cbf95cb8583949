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

// The rows that both builds have. Noise makes runs longer, never shorter, so of a result that round of a row
// counts whose 25th percentile is least. A row has changed if this moved by more than 8 %, and, of several
// results of a build, made in turn with the other's, the least by 8 % and the median by 5 %. A row whose runs
// were mostly interrupted in each round of a build is unknown. DataError where nothing is common or something
// is no result.
std::vector<BenchChange> compare_benches(const std::vector<nlohmann::json>& before,
                                         const std::vector<nlohmann::json>& after);

// Those that are slower or faster, and how many there are; 1 where something is slower, else 0.
int print_changes(const std::vector<BenchChange>&);

}  // namespace apps
