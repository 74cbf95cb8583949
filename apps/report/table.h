// The numbers of a file of JSON lines, such as metrics.jsonl, by column.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace apps {

struct Table {
  std::size_t rows = 0;
  // In order of appearance. A line without the number, or with one that isn't finite, has NaN. Numbers of an
  // object within the line: "phases_ms/forward".
  std::vector<std::pair<std::string, std::vector<double>>> columns;
  std::vector<std::string> problems;  // lines that can't be read, which are left out

  const std::vector<double>* find(const std::string& name) const;
};

// Empty if there is no such file. A last line without its newline is still being written, and is no problem.
Table read_table(const std::string& path);

// {"rows": 9, "columns": {"loss": [...]}} with six digits. Of more than `most` rows the means of as many bins
// of neighbouring rows, with {"low": {"loss": [...]}, "high": ...}, the least and the greatest value of each.
// Columns whose name has a slash are left out.
nlohmann::ordered_json table_json(const Table&, std::size_t most = 2000);

// The numbers of images per second, each the mean over the time of a few neighbouring steps: the host queues
// several steps on a GPU at once and then waits, so a single step's figure means little.
std::vector<double> smoothed_rate(const std::vector<double>& rate);

// The seconds of training up to the end of each step, from images per second.
std::vector<double> elapsed(const std::vector<double>& rate, int batch);

}  // namespace apps
