// OUT/sweep.json: what the sweeps into a folder have varied, and the cells that are there.
//   {"dyad": version, "shared": {option: text}, "sweeps": [{"vary": [...], "seeds": N}],
//    "cells": [{"name": folder, "options": {option: text}, "seed": N}]}
#pragma once

#include <string>

#include "apps/sweep/plan.h"

namespace apps {

// What another sweep has left in the folder.
struct SweepFile {
  List varied;                     // names of options
  std::vector<std::string> cells;  // names of folders
};
std::string sweep_file_path(const std::string& folder);
bool is_sweep(const std::string& folder);              // whether there is a sweep.json
SweepFile read_sweep_file(const std::string& folder);  // DataError if it is damaged

// Adds this sweep's cells, and replaces the file. UsageError if options that all cells share and that change
// the result differ from those of the cells that are there. Returns a line about these cells; "" if there are
// none.
std::string add_to_sweep_file(const SweepPlan&);

}  // namespace apps
