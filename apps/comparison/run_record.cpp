#include "apps/comparison/run_record.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "apps/report/table.h"
#include "apps/run/run_directory.h"
#include "apps/run/run_state.h"
#include "apps/sweep/sweep_file.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using engine::concat_text;
using nlohmann::ordered_json;

constexpr std::size_t kPoints = 300;  // of a curve

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code none;
  return fs::weakly_canonical(a, none) == fs::weakly_canonical(b, none);
}

// Reads the results that evaluations have left: the accuracies of the trained encoder.
class Accuracies {
 public:
  Accuracies(RunRecord& run, long step) : run_(run), step_(step) {}

  // Takes the accuracies that are not known yet from a file.
  void read(const std::string& name) {
    const engine::FileText file = engine::read_text(run_.path + "/" + name);
    if (!file.read()) return;
    try {
      const ordered_json j = ordered_json::parse(file.bytes);
      const ordered_json& top1 = j.at("top1").at("trained");
      const long step = j.value("step", -1L);
      if (step_ >= 0 && step != step_)
        return problem(
            concat_text(name, " is of step ", step, ", and the training is at step ", step_, ": left out"));
      const bool knn = take(j, top1, "knn", run_.knn), linear = take(j, top1, "linear", run_.linear);
      const std::string images = j.value("data", "");
      if ((knn || linear) && !images.empty() && !same_folder(images, run_.option("data")))
        problem(concat_text(name, " is of the images of ", images));
      if (knn && j.contains("classifiers") && j["classifiers"].contains("knn"))
        run_.knn_settings = j["classifiers"]["knn"].value("meaning", "");
    } catch (const ordered_json::exception& e) {
      problem(concat_text(name, ": ", e.what(), ", expected a result of an evaluation"));
    }
  }

 private:
  bool take(const ordered_json& file, const ordered_json& top1, const char* classifier,
            std::optional<double>& value) {
    const auto found = top1.find(classifier);
    if (value || found == top1.end()) return false;
    if (found->is_number()) return value = found->get<double>(), true;
    const ordered_json reasons =
        file.value("reasons", ordered_json::object()).value("trained", ordered_json::object());
    problem(concat_text("no result of ", classifier, ": ",
                        reasons.value(classifier, "the evaluation gave none")));
    return false;
  }
  void problem(const std::string& line) { run_.problems.push_back(line); }

  RunRecord& run_;
  const long step_;
};

// The last finite number of a column, if it is that of the last row.
std::optional<double> last_of(const Table& table, const char* column) {
  const auto* values = table.find(column);
  if (values == nullptr || values->empty() || !std::isfinite(values->back())) return std::nullopt;
  return values->back();
}

// The columns that the page draws.
ordered_json drawn(const Table& table, const List& columns) {
  Table kept{.rows = table.rows, .columns = {}, .problems = {}};
  for (const auto& column : table.columns)
    if (std::find(columns.begin(), columns.end(), column.first) != columns.end())
      kept.columns.push_back(column);
  return table_json(kept, kPoints).at("columns");
}

// The seconds of each row of another table, found by the step.
std::vector<double> seconds_at(const Table& rows, const Table& steps, const std::vector<double>& seconds) {
  std::vector<double> found(rows.rows, std::nan(""));
  const auto *wanted = rows.find("step"), *known = steps.find("step");
  for (std::size_t i = 0; wanted != nullptr && known != nullptr && i < rows.rows; ++i) {
    const auto at = std::lower_bound(known->begin(), known->end(), (*wanted)[i]);
    if (at != known->end()) found[i] = seconds[std::size_t(at - known->begin())];
  }
  return found;
}

Table table_of(RunRecord& run, const std::string& name) {
  Table table = read_table(run.path + "/" + name);
  if (!table.problems.empty()) run.problems.push_back(concat_text(name, ": ", table.problems.front()));
  return table;
}

// Loss, seconds and curves. Returns the last step.
long read_steps(RunRecord& run, int batch) {
  Table steps = table_of(run, "metrics.jsonl"), probes = table_of(run, "monitor.jsonl");
  const auto last = last_of(steps, "step");
  if (!last) {
    run.problems.emplace_back("metrics.jsonl has no step");
    return -1;
  }
  const auto* rates = steps.find("pairs_per_s");
  const std::vector<double> seconds =
      elapsed(rates != nullptr ? *rates : std::vector<double>(steps.rows), batch);
  run.loss = last_of(steps, "loss");
  if (rates != nullptr) run.seconds = seconds.back();
  if (!run.loss) run.problems.emplace_back("the last step has no finite loss");
  probes.columns.emplace_back("seconds", seconds_at(probes, steps, seconds));
  steps.columns.emplace_back("seconds", seconds);
  run.curves = {{"loss", drawn(steps, {"epoch", "seconds", "loss"})},
                {"probes", drawn(probes, {"epoch", "seconds", "probe_knn", "probe_linear"})}};
  return long(*last);
}

void take_options(RunRecord& run, PretrainOptions& o) {
  const List of_views = names_of(view_fields(o));
  for (const Field& f : fields(o)) {
    const bool of_view = std::ranges::find(of_views, f.name) != of_views.end();
    if ((!f.saved && !of_view) || f.is(o.run) || f.is(o.seed)) continue;
    run.options.emplace_back(f.name, text_of(f));
    if (!f.saved) run.from_recipe.push_back(f.name);
  }
}

bool is_run(const std::string& path) { return fs::exists(path + "/config.toml"); }

// The subfolders that are runs: of a folder that has lost its sweep.json.
List runs_in(const std::string& folder) {
  List runs;
  for (const auto& entry : fs::directory_iterator(folder))
    if (is_run(entry.path().string())) runs.push_back(entry.path().string());
  std::sort(runs.begin(), runs.end());
  return runs;
}

}  // namespace

std::string RunRecord::option(const std::string& name) const {
  const auto found =
      std::find_if(options.begin(), options.end(), [&](const auto& o) { return o.first == name; });
  return found == options.end() ? "" : found->second;
}

RunRecord read_run(const std::string& path) {
  RunRecord run;
  run.path = path;
  PretrainOptions o;
  if (!is_run(path))
    throw engine::DataError(concat_text("there is no config.toml: no training has started here",
                                        fs::exists(path + "/sweep.log") ? "; its sweep.log says why" : ""));
  try {
    o = read_run_options(path);
    // config.toml leaves out the options of the views that have the recipe's own values
    if (o.recipe != "auto") resolve_views(o);
  } catch (const engine::UsageError& e) {
    throw engine::DataError(e.what());
  }
  run.seed = o.seed;
  take_options(run, o);
  const long step = read_steps(run, o.batch);
  const auto state = read_state(path);
  if (!state)
    run.problems.emplace_back(
        "state.json is missing or damaged, so it isn't known whether the training is finished");
  else if (state->phase != "finished")
    run.problems.push_back("the training is not finished: " + state_text(*state));
  Accuracies accuracies(run, step);
  for (const char* name : {"eval.json", "linear.json", "knn.json"}) accuracies.read(name);
  if (!run.knn && !run.linear && run.problems.empty())
    run.problems.emplace_back("there is no result of an evaluation; dyad eval evaluates a run");
  return run;
}

List runs_named(const std::string& argument, List& varied, List& problems) {
  if (is_run(argument)) return {argument};
  if (!fs::is_directory(argument)) throw engine::DataError("is no folder, expected a run or a sweep");
  try {
    if (is_sweep(argument)) {
      const SweepFile file = read_sweep_file(argument);
      varied.insert(varied.end(), file.varied.begin(), file.varied.end());
      List runs;
      for (const std::string& cell : file.cells) runs.push_back(argument + "/" + cell);
      return runs;
    }
  } catch (const engine::DataError& e) {
    problems.push_back(std::string(e.what()) + "; the runs in this folder are taken");
  }
  const List runs = runs_in(argument);
  if (runs.empty())
    throw engine::DataError("has no config.toml, no sweep.json and no run in it, expected a run or a sweep");
  return runs;
}

}  // namespace apps
