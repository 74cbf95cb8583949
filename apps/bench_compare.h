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

// The rows that both builds have. Noise makes runs longer, never shorter, so the fast ones are compared: a
// row has changed if its 5th and its 25th percentile both moved by more than a tenth, and the 5th of the
// slower lies above the 25th of the faster. Of several results of a build, made in turn with the other's,
// both the best and the median must have moved so. A row that was mostly interrupted in all of a build's is
// unknown. DataError where nothing is common or something is no result.
std::vector<BenchChange> compare_benches(const std::vector<nlohmann::json>& before,
                                         const std::vector<nlohmann::json>& after);

}  // namespace apps
