// dyad gradcheck: compares every op's backward with finite differences of its forward.
#include "engine/check/gradcheck.h"

#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/check/junit.h"
#include "apps/check/op_choice.h"
#include "apps/cli/commands.h"
#include "apps/run/run_directory.h"

namespace apps {
namespace {

using engine::GradcheckResult;
using engine::OpCase;

nlohmann::json as_json(const engine::GradcheckFailure& f) {
  return {{"output", f.output},   {"row", f.row},           {"input", f.input},
          {"element", f.element}, {"analytic", f.analytic}, {"numeric", f.numeric},
          {"error", f.error},     {"seed", f.seed},         {"note", f.note}};
}

}  // namespace

int gradcheck(const GradcheckOptions& o) {
  const auto cases = chosen_ops(o.op);
  if (o.list) {
    for (const OpCase* c : cases) std::cout << c->name << '\n';
    return 0;
  }
  const engine::Device device = engine::parse_device(o.device);
  use_threads(o.threads);

  const bool fast = o.mode == "fast";
  int passed = 0, failed = 0;
  std::vector<JunitCase> junit;
  nlohmann::json rows = nlohmann::json::array();
  for (const OpCase* c : cases) {
    for (const engine::Shape& shape : fast ? engine::fast_shapes(*c) : c->check) {
      const auto begun = std::chrono::steady_clock::now();
      const GradcheckResult r =
          (fast ? engine::gradcheck_fast : engine::gradcheck)(*c, shape, o.seed, device);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      (r.failure ? failed : passed)++;
      const std::string size = engine::concat_text(shape);
      std::printf("%s  %-28s %-16s %8lld entries  worst %.1e  %6.3f s\n", r.failure ? "FAILED" : "passed",
                  c->name, size.c_str(), static_cast<long long>(r.entries), r.worst, seconds);
      if (r.failure) std::printf("        %s\n", r.failure->text().c_str());
      std::fflush(stdout);
      junit.push_back({c->name, size, seconds, r.failure ? r.failure->text() : ""});
      rows.push_back({{"op", c->name},
                      {"shape", size},
                      {"entries", r.entries},
                      {"worst", r.worst},
                      {"seconds", seconds},
                      {"passed", !r.failure}});
      if (r.failure) rows.back()["failure"] = as_json(*r.failure);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  if (!o.json.empty())
    write_json(o.json, {{"mode", o.mode},
                        {"device", o.device},
                        {"threads", o.threads},
                        {"seed", o.seed},
                        {"passed", passed},
                        {"failed", failed},
                        {"checks", rows}});
  if (!o.junit.empty()) write_text(o.junit, junit_text("gradcheck", junit));
  return failed == 0 ? 0 : 1;
}

}  // namespace apps
