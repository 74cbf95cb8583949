// dyad compare: runs beside each other, in one table and one page.
#include <cstdio>

#include "apps/cli/commands.h"
#include "apps/comparison/comparison.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {

int compare(const CompareOptions& o) {
  if (o.runs.empty())
    throw engine::UsageError("no run is given, expected folders: dyad compare RUN|SWEEP...");
  const Comparison c = compare_runs(o.runs);
  std::printf("%s", table_text(c).c_str());
  if (!o.json.empty()) write_json(o.json, comparison_json(c, false));
  if (o.html.empty()) return 0;
  write_text(o.html, comparison_page(c));
  std::printf("page: %s\n", engine::shown(o.html).c_str());
  return 0;
}

}  // namespace apps
