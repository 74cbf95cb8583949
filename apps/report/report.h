// report.html of a run: one self-contained file, which needs no network.
#pragma once

#include <string>

namespace apps {

// Made from the files in the run's folder; a part whose file is absent is left out:
//   config.toml, env.json, metrics.jsonl   pretrain
//   views.png                              pretrain: images and their two views
//   knn.json, linear.json                  dyad knn, dyad linear
//   neighbours.json                        dyad knn: query images and their nearest neighbours
std::string report_html(const std::string& run);
void write_report(const std::string& run);  // RUN/report.html

extern const char* const report_style;  // its style sheet

}  // namespace apps
