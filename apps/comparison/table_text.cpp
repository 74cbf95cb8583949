#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/comparison/comparison.h"
#include "engine/escape.h"

namespace apps {
namespace {

std::string number(double v, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

// "44.90 (0.81, 3)": mean, standard deviation over seeds, number of runs.
std::string figure_text(const Figure& f, double factor, int digits) {
  if (f.n == 0) return "-";
  const std::string sd = std::isfinite(f.sd) ? number(factor * f.sd, digits) : "-";
  return number(factor * f.mean, digits) + " (" + sd + ", " + std::to_string(f.n) + ")";
}

std::string joined_text(const List& words, const char* between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

}  // namespace

std::string table_text(const Comparison& c) {
  std::vector<List> rows = {c.columns};
  for (const char* heading : {"runs", "kNN %", "linear %", "loss", "seconds"})
    rows.front().emplace_back(heading);
  for (const RunGroup& s : c.rows) {
    List row;
    for (const std::string& value : s.values) row.push_back(engine::shown(value));
    for (const std::string& cell :
         {std::to_string(s.runs.size()), figure_text(s.knn, 100, 2), figure_text(s.linear, 100, 2),
          figure_text(s.loss, 1, 4), figure_text(s.seconds, 1, 1)})
      row.push_back(cell);
    rows.push_back(std::move(row));
  }
  std::vector<std::size_t> widths(rows.front().size());
  for (const List& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text = "mean (standard deviation over seeds, number of runs)\n";
  for (const List& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += (i == 0 ? "" : "  ") + row[i] + std::string(widths[i] - row[i].size(), ' ');
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  if (!c.following.empty())
    text += "also different, as these options decide it: " + joined_text(c.following, ", ") + "\n";
  for (const std::string& problem : c.problems) text += "-  " + engine::shown(problem) + "\n";
  return text;
}

}  // namespace apps
