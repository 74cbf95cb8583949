#include "apps/report/page.h"

#include <cmath>
#include <ctime>

#include "apps/comparison/comparison.h"
#include "apps/report/markup.h"
#include "apps/system/machine.h"

namespace apps {

extern const char* const compare_template;  // compare.html, which CMake embeds

namespace {

using nlohmann::ordered_json;

ordered_json optional_json(const std::optional<double>& v) {
  return v ? ordered_json(*v) : ordered_json(nullptr);
}

ordered_json figure_json(const Figure& f) {
  const auto number = [](double v) { return std::isfinite(v) ? ordered_json(v) : ordered_json(nullptr); };
  return {{"mean", number(f.mean)}, {"sd", number(f.sd)}, {"n", f.n}};
}

ordered_json run_json(const RunRecord& run, bool curves) {
  ordered_json j = {{"run", run.path},
                    {"seed", run.seed},
                    {"knn", optional_json(run.knn)},
                    {"linear", optional_json(run.linear)},
                    {"loss", optional_json(run.loss)},
                    {"seconds", optional_json(run.seconds)},
                    {"problems", run.problems}};
  if (curves) j["curves"] = run.curves;
  return j;
}

}  // namespace

ordered_json comparison_json(const Comparison& c, bool curves) {
  ordered_json j = {{"columns", c.columns}, {"following", c.following}, {"rows", ordered_json::array()}};
  for (const RunGroup& s : c.rows) {
    ordered_json options = ordered_json::object(), runs = ordered_json::array();
    for (std::size_t i = 0; i < s.values.size(); ++i) options[c.columns[i]] = s.values[i];
    for (const RunRecord& run : s.runs) runs.push_back(run_json(run, curves));
    j["rows"].push_back({{"options", options},
                         {"knn", figure_json(s.knn)},
                         {"linear", figure_json(s.linear)},
                         {"loss", figure_json(s.loss)},
                         {"seconds", figure_json(s.seconds)},
                         {"runs", runs}});
  }
  j["problems"] = c.problems;
  return j;
}

std::string comparison_page(const Comparison& c) {
  ordered_json data = comparison_json(c, true);
  data["version"] = version_text();
  data["written"] = std::time(nullptr);
  return filled(compare_template, {{"summary", escaped(table_text(c))}, {"data", script_safe(data)}});
}

}  // namespace apps
