#include "apps/report/report.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "apps/options/fields.h"
#include "apps/report/markup.h"
#include "apps/report/median.h"
#include "apps/report/page.h"
#include "apps/report/result_files.h"
#include "apps/report/table.h"
#include "apps/run/left_out.h"
#include "apps/run/run_directory.h"
#include "apps/system/machine.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/text_file.h"
#include "engine/memory/failed_allocation.h"
#include "models/methods/methods.h"

namespace apps {

extern const char* const report_template;  // report.html, which CMake embeds

namespace {

using engine::concat_text;
using nlohmann::ordered_json;

// The files of a run, and what is wrong with them.
class Files {
 public:
  explicit Files(std::string run) : run_(std::move(run)) {}

  std::optional<std::string> bytes(const std::string& name) const {
    engine::FileText file = engine::read_text(run_ + "/" + name);
    if (!file.read()) return std::nullopt;
    return std::move(file.bytes);
  }

  ordered_json json(const std::string& name) {  // null if it is absent or damaged
    const auto text = bytes(name);
    if (!text) return nullptr;
    ordered_json j = ordered_json::parse(*text, nullptr, false);
    if (j.is_object()) return j;
    problem(name, "expected a JSON object");
    return nullptr;
  }

  // The same for a file of a wanted form, for which `check` throws an engine::DataError otherwise.
  ordered_json json(const std::string& name, void (*check)(const ordered_json&)) {
    ordered_json j = json(name);
    try {
      if (!j.is_null()) check(j);
      return j;
    } catch (const engine::DataError& e) {
      problem(name, e.what());
      return nullptr;
    }
  }

  Table table(const std::string& name) {
    Table t = read_table(run_ + "/" + name);
    for (const std::string& line : t.problems) problem(name, line);
    return t;
  }

  void problem(const std::string& name, const std::string& what) {
    if (problems_.size() < 10) problems_.push_back(concat_text(name, ": ", what));
  }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  std::string run_;
  std::vector<std::string> problems_;
};

// The results that evaluations have written, those of later steps first.
ordered_json evaluations(const std::string& run, Files& files) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".json") && (name.starts_with("finetune") || name.starts_with("frozen")))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.insert(names.begin(), {"eval.json", "linear.json", "knn.json"});
  std::vector<ordered_json> found;
  for (const std::string& name : names) {
    ordered_json file = files.json(name);
    if (file.is_null()) continue;
    try {
      found.push_back(checked_result(std::move(file)));
    } catch (const engine::DataError& e) {
      files.problem(name, e.what());
    }
  }
  std::ranges::stable_sort(found, std::greater(), [](const auto& file) { return file.value("step", -1L); });
  return found;
}

// The value at x of the line through (xs[i], ys[i]); NaN outside of it.
double interpolated(double x, const std::vector<double>& xs, const std::vector<double>& ys) {
  const auto after = std::ranges::lower_bound(xs, x);
  if (after == xs.end()) return std::nan("");
  const auto i = std::size_t(after - xs.begin());
  if (xs[i] == x) return ys[i];
  return i == 0 ? std::nan("") : std::lerp(ys[i - 1], ys[i], (x - xs[i - 1]) / (xs[i] - xs[i - 1]));
}

// The loss that was expected at each step of the run.
void add_expected_loss(Table& steps, const ordered_json& expected) {
  const auto* epochs = steps.find("epoch");
  if (expected.is_null() || epochs == nullptr || !expected.contains("loss")) return;
  const std::vector<double> at = expected.at("epoch"), known = expected.at("loss");
  std::vector<double> losses;
  for (const double epoch : *epochs) losses.push_back(interpolated(epoch, at, known));
  steps.columns.emplace_back("expected_loss", losses);
}

// Where the training has come to, from its steps.
ordered_json totals(const Table& steps, int batch) {
  if (steps.rows == 0) return nullptr;
  const auto column = [&](const char* name) {
    const auto* values = steps.find(name);
    return values == nullptr ? std::vector<double>(steps.rows, std::nan("")) : *values;
  };
  const std::vector<double> rates = column("pairs_per_s");
  return {{"step", column("step").back()},
          {"epoch", column("epoch").back()},
          {"loss", column("loss").back()},
          {"speed", median(rates)},
          {"seconds", elapsed(rates, batch).back()}};
}

ordered_json phases(const Table& steps) {  // medians, in order of running
  const std::string prefix = "phases_ms/";
  ordered_json all = ordered_json::array();
  for (const auto& [name, values] : steps.columns) {
    if (!name.starts_with(prefix)) continue;
    std::vector<double> times;
    std::copy_if(values.begin(), values.end(), std::back_inserter(times),
                 [](double t) { return std::isfinite(t); });
    all.push_back({name.substr(prefix.size()), median(times)});
  }
  return all;
}

void add_training(ordered_json& data, const PretrainOptions& o, Files& files) {
  Table steps = files.table("metrics.jsonl");
  const Table usage = files.table("usage.jsonl");
  data["totals"] = totals(steps, o.batch);
  if (const auto* memory = usage.find("rss_mb"); memory != nullptr && !data["totals"].is_null())
    data["totals"]["memory"] = *std::max_element(memory->begin(), memory->end());
  data["phases"] = phases(steps);
  for (auto& [name, values] : steps.columns)
    if (name == "pairs_per_s") values = smoothed_rate(values);
  add_expected_loss(steps, data.at("expected"));
  data["steps"] = table_json(steps);
  data["monitor"] = table_json(files.table("monitor.jsonl"));
  data["usage"] = table_json(usage);
}

std::string name_of(const std::string& run) {
  const std::filesystem::path path = std::filesystem::path(run).lexically_normal();
  return path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
}

ordered_json state_data(const std::optional<RunState>& state) {
  if (!state) return nullptr;
  ordered_json j = state_json(*state);
  j["text"] = state_text(*state);
  return j;
}

// For a browser that runs no script.
std::string summary(const ordered_json& data) {
  std::string text = data.at("subtitle").get<std::string>() + ".";
  if (const ordered_json& s = data.at("state"); !s.is_null())
    text += " " + s.at("text").get<std::string>() + ".";
  else if (const ordered_json& t = data.at("totals"); !t.is_null())
    text += concat_text(" Step ", compact(t.at("step").get<double>()), ", epoch ",
                        compact(t.at("epoch").get<double>()), ".");
  for (const ordered_json& file : data.at("evaluations"))
    for (const auto& [name, part] : file.at("top1").at("trained").items())
      if (part.is_number())
        text += concat_text(" Accuracy (", name, "): ", compact(100 * part.get<double>()), " %.");
  return text;
}

}  // namespace

ordered_json report_data(const std::string& run, const std::optional<RunState>& state) {
  PretrainOptions o = read_run_options(run);
  const models::MethodDescription method = models::describe_method(o, o.batch);
  Files files(run);
  ordered_json data = {
      {"name", name_of(run)},
      {"run", std::filesystem::absolute(run).lexically_normal().string()},
      {"written", std::time(nullptr)},
      {"version", version_text()},
      {"subtitle",
       concat_text(method.title, ", ", o.arch, " at width ", compact(o.width), ", ", compact(o.batch),
                   " pairs a step, ", method.settings, method.settings.empty() ? "" : ", ", o.optimizer, ", ",
                   o.dtype, " on ", o.device)},
      {"loss", method.loss},
      {"chance", method.chance_loss},
      {"chance_formula", method.chance_formula},
      {"ahead", o.device.starts_with("cuda") && !o.sync},  // the host queues steps ahead of the GPU
      {"state", state_data(state)},
      {"evaluations", evaluations(run, files)},
      {"neighbours", files.json("neighbours.json", check_neighbours)},
      {"map", files.json("map.json", check_map)},
      {"retrieval", files.json("retrieval.json", check_retrieval)},
      {"left_out", files.json("left_out.json", [](const ordered_json& j) { left_out_in(j); })},
      {"expected", files.json("expected.json", check_expected)},
      {"env", files.json("env.json")}};
  add_training(data, o, files);
  const auto views = files.bytes("views.png");
  data["views"] = views ? ordered_json(data_uri(*views)) : ordered_json(nullptr);
  for (const auto& f : fields(o))
    if (f.saved) data["config"].push_back({f.name, text_of(f)});
  data["problems"] = files.problems();
  return data;
}

std::string report_html(const std::string& run, const std::optional<RunState>& state) {
  const engine::Making making("the report");
  const ordered_json data = report_data(run, state);
  const std::string title = escaped(engine::shown(data.at("name").get<std::string>()));
  return filled(report_template, {{"title", title},
                                  {"title", title},
                                  {"summary", escaped(engine::shown(summary(data)))},
                                  {"data", script_safe(data)}});
}

void write_report(const std::string& run) {
  write_text(run + "/report.html", report_html(run, read_state(run)));
}

void write_report(const std::string& run, const RunState& state) {
  write_text(run + "/report.html", report_html(run, state));
}

}  // namespace apps
