// OUT/sweep.json: what the sweeps into a folder have varied, and the cells that are there.
//   {"dyad": version, "shared": {option: text}, "sweeps": [{"vary": [...], "seeds": N}],
//    "cells": [{"name": folder, "options": {option: text}, "seed": N}]}
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/options/fields.h"

namespace apps {

struct SweepFile {
  nlohmann::ordered_json json;
  List varied;                     // names of options
  std::vector<std::string> cells;  // names of folders
};
std::string sweep_file_path(const std::string& folder);
bool is_sweep(const std::string& folder);              // whether there is a sweep.json
SweepFile read_sweep_file(const std::string& folder);  // DataError if it is damaged

}  // namespace apps
