// Two results of `dyad bench ops`, one beside the other.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace apps {

struct BenchChange {
  std::string op, shape, pass;   // pass: "forward" or "forward_backward"
  double before = 0, after = 0;  // medians, seconds
  enum Verdict { same, faster, slower, unknown } verdict = same;
};

// Of results of one build: each row at the best that it had in any. Runs of two builds in turn take in what
// the machine does meanwhile.
nlohmann::json best_of(const std::vector<nlohmann::json>& results);

// The rows that both have; one whose runs were mostly interrupted, in either, is unknown. Noise makes runs
// longer, never shorter, so the fast ones are compared: a row has changed if its 5th and its 25th percentile
// both moved by more than a tenth, and the 5th of the slower lies above the 25th of the faster.
// DataError where nothing is common or a file is no result.
std::vector<BenchChange> compare_benches(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace apps
