// report.html of a run: one self-contained file, which needs no network.
#pragma once

#include <optional>
#include <string>

#include "apps/run/run_state.h"

namespace apps {

// Made from the files in the run's folder; a part whose file is absent is left out:
//   config.toml, env.json, metrics.jsonl   pretrain
//   views.png                              pretrain: images and their two views
//   knn.json, linear.json                  dyad knn, dyad linear
//   neighbours.json                        dyad knn: query images and their nearest neighbours
// state: how far the training is, and when the page was written. While it runs the page reloads itself.
std::string report_html(const std::string& run, const std::optional<RunState>& state = {});
void write_report(const std::string& run);                   // RUN/report.html, with RUN/state.json
void write_report(const std::string& run, const RunState&);  // the training itself calls this one

extern const char* const report_style;  // its style sheet

}  // namespace apps
