// Runs beside each other: those that differ by the seed only are one row.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/comparison/run_record.h"
#include "apps/comparison/statistics.h"

namespace apps {

struct RunGroup {
  List values;                  // of the columns
  std::vector<RunRecord> runs;  // by seed
  Figure knn, linear, loss, seconds;
};

struct Comparison {
  List columns;    // options in which the rows differ, those that a sweep varies first
  List following;  // other options that differ too, but follow from these
  std::vector<RunGroup> rows;
  List problems;  // a line each
};

// arguments: folders of runs or sweeps. DataError if none of them has a run that can be read.
Comparison compare_runs(const List& arguments);

// The same of runs that are read; varied: options that are known to be varied.
Comparison compared(std::vector<RunRecord>, const List& varied);

std::string table_text(const Comparison&);  // for a terminal
nlohmann::ordered_json comparison_json(const Comparison&, bool curves);
std::string comparison_page(const Comparison&);  // one self-contained HTML file

}  // namespace apps
