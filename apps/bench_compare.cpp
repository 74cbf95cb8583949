#include "apps/bench_compare.h"

#include <cstdio>
#include <fstream>

#include "apps/commands.h"
#include "engine/error.h"

namespace apps {
namespace {

constexpr double kThreshold = 1.10;

bool slower(const nlohmann::json& a, const nlohmann::json& b) {
  const double a5 = a.at("p5"), a25 = a.at("p25"), b5 = b.at("p5"), b25 = b.at("p25");
  return b5 > kThreshold * a5 && b25 > kThreshold * a25 && b5 > a25;
}

nlohmann::json read(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw engine::DataError(path + " can't be opened");
  try {
    return nlohmann::json::parse(in);
  } catch (const nlohmann::json::exception& e) {
    throw engine::DataError(path + ": " + e.what() + ", expected a result of dyad bench ops --json");
  }
}

}  // namespace

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
                             slower(x, y)   ? BenchChange::slower
                             : slower(y, x) ? BenchChange::faster
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
  const nlohmann::json before = read(o.before), after = read(o.after);
  for (const char* key : {"device", "dtype", "threads"})
    if (before.value(key, "") != after.value(key, ""))
      throw engine::DataError(o.after + ": " + key + " is " + after.value(key, "") + ", expected that of " +
                              o.before + ", " + before.value(key, ""));
  int found = 0;
  const auto changes = compare_benches(before, after);
  for (const BenchChange& c : changes) {
    if (c.verdict == BenchChange::same) continue;
    const bool is_slower = c.verdict == BenchChange::slower;
    found += is_slower;
    std::printf("%s  %-24s %-18s %-17s %10.3f ms -> %10.3f ms  x %.2f\n", is_slower ? "slower" : "faster",
                c.op.c_str(), c.shape.c_str(), c.pass.c_str(), c.before * 1e3, c.after * 1e3,
                c.after / c.before);
  }
  std::printf("%zu compared, %d slower\n", changes.size(), found);
  return found == 0 ? 0 : 1;
}

}  // namespace apps
