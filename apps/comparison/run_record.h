// What a comparison knows of one run.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/options/fields.h"

namespace apps {

struct RunRecord {
  std::string path;
  std::vector<std::pair<std::string, std::string>> options;  // all but the folder and the seed
  List from_recipe;  // names of those that have the value of the views' recipe
  std::uint64_t seed = 0;
  std::optional<double> knn, linear;    // accuracies, as shares
  std::optional<double> loss, seconds;  // of the last step; of the training
  std::string knn_settings;             // of the accuracy: "k = 200, T = 0.1"
  List problems;  // why something is missing or not what it seems: a line each, without the path
  nlohmann::ordered_json curves;  // {"loss": table, "probes": table}, each by epoch and by seconds

  std::string option(const std::string& name) const;  // "" if there is none
};

// DataError if there is no config.toml, or a damaged one: then nothing can be said of the run. Other files
// that are missing or damaged cost what is in them, and a line in `problems`.
RunRecord read_run(const std::string& path);

// The runs that an argument names: itself, or the cells of a sweep. varied: gets the options that the sweep
// varies. DataError if it is neither. Lines about what is damaged go to `problems`.
List runs_named(const std::string& argument, List& varied, List& problems);

}  // namespace apps
