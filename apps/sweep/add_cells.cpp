#include "apps/sweep/add_cells.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/run/run_directory.h"
#include "apps/sweep/sweep_file.h"
#include "apps/system/machine.h"
#include "data/files.h"
#include "engine/error.h"

namespace apps {
namespace {

using engine::concat_text;
using nlohmann::ordered_json;

ordered_json shared_json(PretrainOptions shared, const List& varied) {
  ordered_json j = ordered_json::object();
  for (const Field& f : fields(shared))
    if (f.saved && !f.is(shared.run) && !f.is(shared.seed) &&
        std::ranges::find(varied, f.name) == varied.end())
      j[f.name] = text_of(f);
  return j;
}

// Cells of one folder are compared with each other, so what they share must be the same. What doesn't change
// the result, such as the number of threads, may differ.
void require_same_shared(const SweepPlan& plan, const ordered_json& earlier, const List& varied) {
  PretrainOptions shared = plan.shared;
  for (const Field& f : fields(shared)) {
    const auto then = earlier.find(f.name);
    if (then == earlier.end() || f.resume == Resume::ignored || *then == text_of(f)) continue;
    if (std::find(varied.begin(), varied.end(), f.name) != varied.end()) continue;
    throw engine::UsageError(concat_text("--out ", plan.options.out, ": its cells have --", f.name, " ",
                                         then->get<std::string>(), ", and this sweep has ", text_of(f),
                                         ": name another folder, or vary it"));
  }
}

}  // namespace

std::string add_to_sweep_file(const SweepPlan& plan) {
  const std::string& folder = plan.options.out;
  ordered_json j = {{"dyad", version_text()},
                    {"shared", ordered_json::object()},
                    {"sweeps", ordered_json::array()},
                    {"cells", ordered_json::array()}};
  SweepFile earlier;
  List varied = varied_options(plan.variations);
  if (is_sweep(folder)) {
    earlier = read_sweep_file(folder);
    const ordered_json& then = earlier.json;
    varied.insert(varied.end(), earlier.varied.begin(), earlier.varied.end());
    require_same_shared(plan, then.at("shared"), varied);
    j["sweeps"] = then.at("sweeps");
    j["cells"] = then.at("cells");
  }
  j["shared"] = shared_json(plan.shared, varied);
  std::size_t added = 0;
  for (const Cell& cell : plan.cells) {
    if (std::find(earlier.cells.begin(), earlier.cells.end(), cell.name()) != earlier.cells.end()) continue;
    ordered_json options = ordered_json::object();
    for (const auto& [name, value] : cell.options) options[name] = value;
    j["cells"].push_back({{"name", cell.name()}, {"options", options}, {"seed", cell.seed}});
    ++added;
  }
  const ordered_json sweep = {{"vary", plan.options.vary}, {"seeds", plan.options.seeds}};
  if (std::find(j["sweeps"].begin(), j["sweeps"].end(), sweep) == j["sweeps"].end())
    j["sweeps"].push_back(sweep);
  write_json(sweep_file_path(folder), j);
  if (earlier.cells.empty()) return "";
  return concat_text(folder, " has ", data::counted(double(earlier.cells.size()), "cell"),
                     " of earlier sweeps: this one adds ", added, " and shares ", plan.cells.size() - added);
}

}  // namespace apps
