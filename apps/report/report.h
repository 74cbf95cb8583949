// report.html of a run: one self-contained file, which needs no network. The page (report.html in this
// folder) draws everything by a script from one JSON object; the functions here only collect that object.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "apps/run/run_state.h"

namespace apps {

// From the files in the run's folder; a part whose file is absent is left out, and a damaged file costs its
// own part and a line in "problems":
//   config.toml, env.json                            pretrain
//   metrics.jsonl, monitor.jsonl, usage.jsonl        pretrain: its steps, its epochs, memory and CPU
//   views.png                                        pretrain: images and their two views
//   eval.json, knn.json, linear.json, finetune*.json ...   evaluations
//   neighbours.json, map.json                        dyad eval, dyad knn
//   left_out.json                                    pretrain, of a list of dyad curate
//   retrieval.json                                   dyad retrieval, dyad eval --all
// state: how far the training is. While it runs the page reloads itself.
nlohmann::ordered_json report_data(const std::string& run, const std::optional<RunState>& state = {});
std::string report_html(const std::string& run, const std::optional<RunState>& state = {});
void write_report(const std::string& run);                   // RUN/report.html, with RUN/state.json
void write_report(const std::string& run, const RunState&);  // the training itself calls this one

}  // namespace apps
